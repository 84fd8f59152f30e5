#include "api/ticket_order/fingerprint.hpp"

#include <optional>
#include <vector>

#include "api/ticket_order/signature.hpp"
#include "base/crypto.hpp"
#include "base/encoding.hpp"

namespace kassi::api::ticket_order {
namespace {

/// A text of the whole, in which nothing can be taken for something else: each value with its length, each
/// object and list in brackets. What says nothing leaves nothing.
class Canonical {
  public:
    Canonical() = default;
    Canonical(const Canonical&) = delete;
    Canonical& operator=(const Canonical&) = delete;
    ~Canonical() { wipe(text_.data(), text_.size()); }

    [[nodiscard]] const std::string& text() const { return text_; }

    template <class T>
    void operator()(std::string_view name, const T& member) {
        const auto before = text_.size();
        value(name);
        const auto named = text_.size();
        add(member);
        if (text_.size() == named) cut(before);
    }

  private:
    void cut(std::size_t size) {
        wipe(text_.data() + size, text_.size() - size);
        text_.resize(size);
    }
    void value(std::string_view text) {
        if (text.empty()) return;
        // Growing would leave a copy behind.
        if (text_.capacity() < text_.size() + text.size() + spare) grow(text.size());
        text_.append(std::to_string(text.size())).append(":").append(text);
    }
    void grow(std::size_t more) {
        std::string larger;
        larger.reserve(2 * (text_.size() + more + spare));
        larger.append(text_);
        wipe(text_.data(), text_.size());
        text_ = std::move(larger);
    }
    void add(std::int64_t number) {
        if (number != 0) value(std::to_string(number));
    }
    void add(std::int32_t number) { add(static_cast<std::int64_t>(number)); }
    void add(bool yes) {
        if (yes) value("true");
    }
    void add(const std::string& text) { value(text); }
    void add(const Opaque& opaque) { value(opaque.text); }
    void add(const Secret<>& secret) { value(secret.reveal()); }
    void add(const Date& date) {
        if (date.is_set()) value(json_date(date));
    }
    void add(const Decimal& decimal) {
        constexpr std::int64_t ten = 10;
        auto shortest = decimal;
        if (shortest.digits == 0) return;
        while (shortest.scale > 0 && shortest.digits % ten == 0) {
            shortest.digits /= ten;
            --shortest.scale;
        }
        value(shortest.text());
    }
    template <class T>
    void add(const std::optional<T>& member) {
        if (member) add(*member);
    }
    template <class T>
    void add(const std::vector<T>& list) {
        if (list.empty()) return;
        text_ += '[';
        for (const auto& item : list) {
            add(item);
            text_ += ',';
        }
        text_ += ']';
    }
    template <class T>
    void add(const T& object) {
        const auto before = text_.size();
        text_ += '{';
        const auto open = text_.size();
        each_member(*this, object);
        if (text_.size() == open) return cut(before);
        text_ += '}';
    }

    static constexpr std::size_t spare = 64;
    std::string text_;
};

std::string digest(std::string_view text) {
    return encoding::hex(crypto::to_bytes(crypto::sha256(text)));
}

bool is_signed(const TicketOrder& request) {
    return request.signature && !request.signature->signature.value_or("").empty();
}

}  // namespace

std::string fingerprint_of(const TicketOrder& request) {
    Canonical canonical;
    canonical("request", request);
    return digest(canonical.text());
}

std::string key_of_order_id(std::string_view order_id) {
    return "order:" + std::string(order_id);
}

std::string key_of(const TicketOrder& request, const Money& total, std::string_view order_id,
                   std::string_view fingerprint) {
    if (!order_id.empty()) return key_of_order_id(order_id);
    if (is_signed(request)) return "signed:" + digest(signed_text(request, total, order_id));
    return "body:" + std::string(fingerprint);
}

}  // namespace kassi::api::ticket_order
