#include "sandbox/box_office/catalogue.hpp"

#include <algorithm>
#include <stdexcept>

namespace kassi::sandbox::box_office {

std::size_t PriceBand::capacity() const {
    std::size_t seats = 0;
    for (const auto& block : blocks) seats += block.size();
    return seats;
}

const TicketType* Event::ticket_type(std::string_view code) const {
    const auto found = std::find_if(ticket_types.begin(), ticket_types.end(),
                                    [&](const TicketType& candidate) { return candidate.code == code; });
    return found == ticket_types.end() ? nullptr : &*found;
}

const PriceBand* Event::price_band(std::string_view ticket_type_code, std::string_view code) const {
    const auto* type = ticket_type(ticket_type_code);
    if (type == nullptr) return nullptr;
    const auto found = std::find_if(type->price_bands.begin(), type->price_bands.end(),
                                    [&](const PriceBand& candidate) { return candidate.code == code; });
    return found == type->price_bands.end() ? nullptr : &*found;
}

bool Event::sends_by(std::string_view send_code) const {
    return std::find(send_codes.begin(), send_codes.end(), send_code) != send_codes.end();
}

std::int64_t Event::quantity_max() const {
    return quantities.empty() ? 0 : *std::max_element(quantities.begin(), quantities.end());
}

const Event* Catalogue::event(std::string_view id) const {
    const auto found = std::find_if(events.begin(), events.end(),
                                    [&](const Event& candidate) { return candidate.id == id; });
    return found == events.end() ? nullptr : &*found;
}

const SendMethod* Catalogue::send_method(std::string_view code) const {
    const auto found = send_methods.find(code);
    return found == send_methods.end() ? nullptr : &found->second;
}

const Catalogue& demo_catalogue() {
    static const Catalogue catalogue = [] {
        auto read = read_catalogue(catalogue_files());
        if (!read) throw std::logic_error("catalogue: " + read.error().field + " " + read.error().message);
        return std::move(*read);
    }();
    return catalogue;
}

}  // namespace kassi::sandbox::box_office
