#include "api/f13/request.hpp"
#include "sandbox/box_office/print.hpp"

namespace kassi::sandbox::box_office {
namespace {

/// Text between tags: quotes stay as they are.
std::string text_html(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else
            out.push_back(c);
    }
    return out;
}

std::string paragraph_html(std::string_view text) {
    return "<p>" + text_html(text) + "</p>";
}

using Members = std::map<std::string, std::string>;

void write_content(JsonWriter& out, std::string_view key, std::string_view name, std::string_view text) {
    out.key(key).begin_object().field("name", name).field("value", std::string(text) + "\n");
    out.field("value_html", paragraph_html(text)).end_object();
}

void add_info(Members& members, const Event& event) {
    std::string text, html = "<div>";
    for (const auto& paragraph : event.info) {
        text += paragraph + "\n";
        html += paragraph_html(paragraph);
    }
    members["event_info"] = json_text(text);
    members["event_info_html"] = json_text(event.info.empty() ? "" : html + "</div>");
    const bool has_address = !event.address.empty();
    members["venue_addr"] = json_text(has_address ? event.address + "\n" : "");
    members["venue_addr_html"] = json_text(has_address ? paragraph_html(event.address) : "");
    members["venue_info"] = json_text(event.venue_info.empty() ? "" : event.venue_info + "\n");
    members["venue_info_html"] = json_text(event.venue_info.empty() ? "" : paragraph_html(event.venue_info));
    JsonWriter out;
    out.begin_object();
    if (has_address) write_content(out, "address", "Address", event.address);
    for (const auto& content : event.contents) write_content(out, content.key, content.name, content.text);
    members["structured_info"] = out.end_object().take();
}

void add_media(Members& members, const Event& event, const Extras& extras) {
    if (!extras.media.empty()) {
        JsonWriter out;
        out.begin_object().key("media_asset").begin_array();
        for (const auto& asset : event.media) {
            if (!extras.media.contains(asset.name)) continue;
            out.begin_object()
                .field("caption", asset.caption)
                .field("caption_html", text_html(asset.caption));
            out.field("name", asset.name).field("secure_complete_url", asset.url).end_object();
        }
        members["media"] = out.end_array().end_object().take();
    }
    if (extras.video && event.video) {
        JsonWriter out;
        out.begin_object()
            .field("video_iframe_caption", event.video->caption)
            .field("video_iframe_caption_html", text_html(event.video->caption))
            .field("video_iframe_height", event.video->height)
            .field("video_iframe_url_when_secure", event.video->url)
            .field("video_iframe_width", event.video->width);
        members["video_iframe"] = out.end_object().take();
    }
}

void add_reviews(Members& members, const Event& event) {
    JsonWriter out;
    out.begin_object().key("review").begin_array();
    for (const auto& review : event.reviews) {
        out.begin_object()
            .field("is_user_review", review.by_user)
            .field("review_author", review.author)
            .field("review_body", review.body)
            .field("review_iso8601_date_and_time", review.at)
            .field("review_lang", review.language)
            .field("review_original_url", review.url)
            .field("review_title", review.title)
            .field("star_rating", review.stars)
            .end_object();
    }
    members["reviews"] = out.end_array().end_object().take();
}

void add_cost_details(Members& members, const Event& event, const Extras& extras) {
    JsonWriter out;
    out.begin_object().key("ticket_type").begin_array();
    for (const auto& type : event.ticket_types) {
        out.begin_object().key("price_band").begin_array();
        for (const auto& band : type.price_bands) {
            out.begin_object().key("cost_range");
            write_cost_range(out, event, band.discounts.front(), extras);
            out.field("price_band_code", band.code).field("price_band_desc", band.description).end_object();
        }
        out.end_array().field("ticket_type_code", type.code).field("ticket_type_desc", type.description);
        out.end_object();
    }
    members["cost_range_details"] = out.end_array().end_object().take();
}

/// The bands of an event, whatever the day.
std::vector<OfferedBand> bands_of(const Event& event) {
    return offered(event, Performance{});
}

std::string written(const Members& members) {
    JsonWriter out;
    out.begin_object();
    for (const auto& [name, value] : members) out.key(name).raw(value);
    return out.end_object().take();
}

}  // namespace

Result<Extras> read_extras(const Fields& fields) {
    constexpr std::string_view media_start = "req_media_";
    Extras extras;
    for (const auto& [name, flag] : {std::pair{"req_extra_info", &extras.info},
                                     {"req_reviews", &extras.reviews},
                                     {"req_video_iframe", &extras.video},
                                     {"req_cost_range", &extras.costs},
                                     {"req_cost_range_best_value_offer", &extras.best_value},
                                     {"req_cost_range_max_saving_offer", &extras.max_saving},
                                     {"req_cost_range_min_cost_offer", &extras.min_cost},
                                     {"req_cost_range_top_price_offer", &extras.top_price},
                                     {"req_cost_range_no_singles_data", &extras.no_singles},
                                     {"req_cost_range_details", &extras.cost_details},
                                     {"req_avail_details", &extras.availability},
                                     {"req_avail_details_with_perfs", &extras.availability_days},
                                     {"req_predicted_commission", &extras.commission}}) {
        const auto read = api::f13::read_flag(fields, name);
        if (!read) return read.error();
        *flag = *read;
    }
    for (const auto& [name, value] : fields) {
        if (!name.starts_with(media_start)) continue;
        const auto read = api::f13::read_flag(fields, name);
        if (!read) return read.error();
        if (*read) extras.media.insert(name.substr(media_start.size()));
    }
    return extras;
}

std::string event_json(const Event& event) {
    return written(event.members);
}

std::string event_json(const Event& event, const Extras& extras, Instant now) {
    auto members = event.members;
    if (extras.info) add_info(members, event);
    add_media(members, event, extras);
    if (extras.reviews) add_reviews(members, event);
    if (extras.costs) {
        JsonWriter out;
        write_cost_range(out, event, bands_of(event), extras);
        members["cost_range"] = out.take();
    }
    if (extras.cost_details) add_cost_details(members, event, extras);
    if (extras.availability) {
        JsonWriter out;
        write_avail_details(out, event, bands_of(event), days_on(event, now), extras);
        members["avail_details"] = out.take();
    }
    return written(members);
}

std::string print_events(const std::vector<const Event*>& all, const Page& page, const Extras& extras,
                         Instant now) {
    const auto status = paging(page, all.size());
    const auto shown = on_page(all, status);
    std::vector<Currency> currencies;
    for (const auto* event : shown) currencies.push_back(event->currency);
    JsonWriter out;
    out.begin_object();
    api::f13::write_currency_details(out, currencies);
    out.key("results").begin_object().key("event").begin_array();
    for (const auto* event : shown) out.raw(event_json(*event, extras, now));
    out.end_array();
    write_paging(out, status);
    return out.end_object().end_object().take();
}

void write_paging(JsonWriter& out, const PagingStatus& status) {
    out.key("paging_status")
        .begin_object()
        .field("page_length", status.page.length)
        .field("page_number", status.page.number)
        .field("pages_remaining", status.pages_remaining())
        .field("results_remaining", status.remaining())
        .field("total_unpaged_results", status.total)
        .end_object();
}

}  // namespace kassi::sandbox::box_office
