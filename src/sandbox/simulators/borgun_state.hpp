#pragma once

#include <algorithm>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandbox/simulators/borgun_faults.hpp"
#include "sandbox/simulators/borgun_house.hpp"
#include "sandbox/simulators/borgun_objects.hpp"
#include "sandbox/simulators/borgun_wire.hpp"

namespace kassi::sandbox {

/// The inside of the house, by subject: borgun_house.cpp (doors, faults, ledger, what is saved),
/// borgun_tokens, borgun_payments, borgun_mpi, borgun_acs, borgun_securepay, borgun_notices.
struct BorgunHouse::State : std::enable_shared_from_this<BorgunHouse::State> {
    /// Objects of one kind by id, and which of them the request at hand changed.
    template <class T>
    struct Shelf {
        std::map<std::string, T> all;
        std::vector<std::string> changed;

        T* find(const std::string& id) {
            const auto found = all.find(id);
            return found == all.end() ? nullptr : &found->second;
        }
        T& put(T object) {
            const std::string id = object.id;
            touch(id);
            return all.insert_or_assign(id, std::move(object)).first->second;
        }
        void touch(const std::string& id) {
            if (std::find(changed.begin(), changed.end(), id) == changed.end()) changed.push_back(id);
        }
    };

    Options options;
    const Clock& clock;
    Randomness& randomness;
    SendNotice send_notice;
    After after;
    Save save;

    Shelf<borgun::Token> tokens;
    Shelf<borgun::Payment> payments;
    Shelf<borgun::Record> records;
    Shelf<borgun::Hosted> hosted;
    Shelf<borgun::Event> events;
    std::map<std::pair<std::size_t, std::string>, std::string> by_virtual_number;  ///< of a merchant -> token
    std::map<std::string, std::string> record_by_xid, record_by_server_id, record_by_acs_id;
    std::map<std::string, std::string> hosted_by_fields;  ///< digest of merchant and fields -> id
    std::map<std::pair<std::size_t, std::string>, std::string> hosted_by_refund_id;
    std::set<std::pair<Instant, std::string>> holds, late;  ///< payments, by when something comes of itself
    std::int64_t last_message_id = 118'841;
    std::vector<Entry> ledger;
    std::vector<FaultRule> faults;
    std::size_t entries_saved = 0;

    struct Notice {
        std::size_t merchant = 0;
        bool event = false;  ///< of the gateway; else of the hosted page
        std::string url;
        std::string body;
        int tries = 0;
    };
    std::vector<Notice> news;       ///< of the request at hand
    std::vector<Notice> held_back;  ///< until another one was sent

    State(Options given, const Clock& given_clock, Randomness& given_randomness, SendNotice send, After later,
          Save given_save);

    // ---- doors (borgun_house.cpp)
    void handle(HttpRequest request, Reply reply);
    using Work = std::function<HttpResponse()>;
    /// `work` must own what it needs: it may be done later.
    void do_with_faults(std::string_view on, std::optional<std::size_t> merchant, Reply reply, Work work);
    void rpg(std::shared_ptr<HttpRequest> request, std::vector<std::string> steps, Reply reply);
    struct Caller {
        std::size_t merchant = 0;
        bool is_private = false;
    };
    [[nodiscard]] std::optional<Caller> authenticated(const HttpRequest& request) const;
    /// One call of the gateway: whose, on what, with what body (a JSON object).
    struct Call {
        std::size_t merchant = 0;
        std::string id;
        borgun::Body body;
    };
    using Verb = HttpResponse (State::*)(const Call&);
    struct Route;
    [[nodiscard]] static std::span<const Route> routes();
    HttpResponse run(const Route& route, std::size_t merchant, const std::string& id, HttpRequest& request);
    std::optional<FaultRule> take_fault(std::string_view on, std::optional<std::size_t> merchant);
    HttpResponse fault_door(const HttpRequest& request);
    [[nodiscard]] HttpResponse show_ledger() const;

    // ---- tokens
    HttpResponse create_single(const Call& call);
    HttpResponse create_multi(const Call& call);
    HttpResponse get_token(const Call& call, bool multi);
    HttpResponse disable_token(const Call& call, bool multi);
    HttpResponse get_single(const Call& call) { return get_token(call, false); }
    HttpResponse get_multi(const Call& call) { return get_token(call, true); }
    HttpResponse disable_single(const Call& call) { return disable_token(call, false); }
    HttpResponse disable_multi(const Call& call) { return disable_token(call, true); }
    void verify_card(const Call& call, borgun::Token& token, borgun::Problems& problems);
    /// The card that a body names by PAN, ExpMonth and ExpYear.
    std::optional<borgun::Card> read_card(std::size_t merchant, const borgun::Body& body,
                                          borgun::Problems& problems) const;
    [[nodiscard]] static std::optional<std::string> read_metadata(const borgun::Body& body,
                                                                  borgun::Problems& problems);
    /// Nullptr and a problem when it cannot be used now.
    borgun::Token* usable_token(std::size_t merchant, const std::string& id, bool multi,
                                std::string_view field, borgun::Problems& problems);
    /// PaymentMethod and CardDetails: by number, by virtual number, by token.
    struct Paying {
        std::string type;
        std::string token;  ///< "" none
        borgun::Card card;
    };
    std::optional<Paying> read_paying(std::size_t merchant, const borgun::Body& body, std::string_view field,
                                      borgun::Problems& problems);

    [[nodiscard]] std::string token_of_virtual_number(std::size_t merchant, const borgun::Body& body) const;

    // ---- payments
    HttpResponse pay(const Call& call);
    void spend(const borgun::Payment& payment, const std::string& record_id);
    HttpResponse paid_answer(const borgun::Payment& payment);
    HttpResponse get_payment(const Call& call);
    HttpResponse capture(const Call& call);
    HttpResponse cancel(const Call& call);
    HttpResponse refund(const Call& call);
    HttpResponse give_back(borgun::Payment& payment, std::int64_t amount);
    struct Secured {
        bool given = false;
        std::string level;  ///< "" none
        std::string xid;
        std::string record;        ///< MPI token, "" none
        std::string refused_with;  ///< ActionCode, "" goes on
    };
    Secured read_3ds(const Call& call, const borgun::Payment& payment, borgun::Problems& problems);
    void read_mpi_token(std::size_t merchant, const std::string& id, const borgun::Payment& payment,
                        Secured& secured, borgun::Problems& problems);
    void read_manual(const borgun::Body& body, std::size_t merchant, const borgun::Payment& payment,
                     Secured& secured, borgun::Problems& problems);
    [[nodiscard]] std::string action_code_of(const borgun::Payment& payment, const Secured& secured) const;
    [[nodiscard]] bool is_expired(const borgun::Card& card) const;
    void authorise(borgun::Payment& payment, const std::string& code);
    void enter(const borgun::Payment& payment, std::string_view kind, std::int64_t minor);
    /// Nullopt and an answer in `refusal` when it is not the merchant's payment.
    borgun::Payment* payment_of(const Call& call, HttpResponse& refusal);
    HttpResponse after_action(borgun::Payment& payment, std::string_view event, const std::string& code,
                              const std::string& refund_id = "");
    /// Holds that ran out, and host timeouts of which the gateway heard meanwhile.
    void catch_up();
    void keep_index(const borgun::Payment& payment);

    // ---- MPI
    HttpResponse enroll(const Call& call);
    HttpResponse enroll_again(const Call& call);
    HttpResponse validate(const Call& call);
    std::optional<borgun::Record> read_enrollment(const Call& call, borgun::Problems& problems);
    void read_purchase(const Call& call, borgun::Record& record, borgun::Problems& problems) const;
    void read_addresses(const Call& call, borgun::Record& record, borgun::Problems& problems) const;
    void begin(borgun::Record& record) const;
    static void go_on(borgun::Record& record);
    [[nodiscard]] HttpResponse enrollment_answer(const borgun::Record& record);
    HttpResponse validate_pares(const Call& call, const std::string& pares);
    HttpResponse validate_cres(const Call& call, const std::string& cres);
    using Index = std::map<std::string, std::string>;
    borgun::Record* record_by(const Index& index, const std::string& key);
    /// Nullptr when the MPI has no live transaction of that name for this merchant.
    borgun::Record* live_record(const Call& call, const Index& index, const std::string& key);
    HttpResponse conclude(borgun::Record& record);
    [[nodiscard]] const Merchant& merchant_of(const borgun::Record& record) const {
        return options.merchants[record.merchant];
    }
    [[nodiscard]] bool is_over(const borgun::Record& record) const {
        return clock.now() >= record.created_at + borgun_mpi_token_life;
    }
    void keep_index(const borgun::Record& record);

    // ---- the issuer's pages
    HttpResponse acs(const HttpRequest& request, const std::string& door);
    HttpResponse acs_pareq(const Fields& fields);
    HttpResponse acs_challenge(const Fields& fields);
    HttpResponse acs_method(const Fields& fields);
    HttpResponse acs_act(const Fields& fields);
    HttpResponse challenge_page(const borgun::Record* record, const std::string& carried);
    HttpResponse send_back(const borgun::Record& record, const std::string& carried, bool at_once);

    // ---- SecurePay
    HttpResponse securepay(const HttpRequest& request, const std::string& door);
    HttpResponse securepay_open(const Fields& fields);
    HttpResponse securepay_ticket(const Fields& fields);
    HttpResponse securepay_refund(const Fields& fields);
    HttpResponse securepay_act(const Fields& fields);
    /// The payment of these fields, new or known. Error: bad_request saying what is wrong with which of them.
    Result<borgun::Hosted*> hosted_of(Fields fields);
    [[nodiscard]] Result<borgun::Hosted> read_hosted(Fields fields) const;
    [[nodiscard]] std::optional<std::size_t> securepay_merchant(const Fields& fields) const;
    HttpResponse securepay_page(const borgun::Hosted& payment);
    HttpResponse securepay_pay(borgun::Hosted& payment, bool stays);
    /// Takes the browser to one of the payment's addresses.
    HttpResponse securepay_end(const borgun::Hosted& payment, bool at_once);
    [[nodiscard]] Fields securepay_fields(const borgun::Hosted& payment, std::string_view step) const;
    void keep_index(const borgun::Hosted& payment);
    [[nodiscard]] std::string key_of_fields(const borgun::Hosted& payment) const;

    // ---- notices
    HttpResponse get_event(const Call& call);
    void tell(std::size_t merchant, std::string_view type, std::string data);
    void try_notice(Notice notice);
    void send(const Notice& notice, bool believe_the_answer);
    void try_again(Notice notice);

    // ---- what outlives the house
    HttpResponse done(HttpResponse response);
    [[nodiscard]] std::string record_changes() const;
    void save_all(const Save& save_line) const;
    std::optional<Error> load(const nlohmann::json& line);
    template <class T>
    bool load_object(const nlohmann::json& object, Shelf<T>& shelf);
    void keep_index(const borgun::Token& token);
    void keep_index(const borgun::Event&) {}

    // ---- small things
    std::string fresh_id(std::string_view prefix);  ///< prefix and 32 characters
    std::string fresh_digits(int count);
    std::string fresh_uuid();
    [[nodiscard]] std::string nonce();
    [[nodiscard]] std::string address(std::string_view path) const {
        return options.page_origin + "/borgun/" + std::string(path);
    }
    [[nodiscard]] bool is_full() const;
    [[nodiscard]] const borgun::CurrencyRow* currency_for(std::size_t merchant, const borgun::Body& body,
                                                          std::string_view field,
                                                          borgun::Problems& problems) const;
    [[nodiscard]] std::optional<std::size_t> merchant_named(std::string_view name) const;
};

}  // namespace kassi::sandbox
