#include "callbacks/pages.hpp"

#include <algorithm>
#include <chrono>
#include <map>

#include "base/money.hpp"

namespace kassi::callbacks {
namespace {

constexpr std::string_view style = R"(
:root{color-scheme:light dark;--ground:#f3f4f7;--card:#fff;--ink:#1c2330;--soft:#5c6675;--line:#e2e6ec;
--accent:#2457d6;--accent-ink:#fff;--good:#12805c;--bad:#b3312c;--waiting:#8a6100}
@media (prefers-color-scheme:dark){:root{--ground:#10141b;--card:#1a202a;--ink:#e9edf3;--soft:#9aa5b5;
--line:#2c3542;--accent:#7aa2ff;--accent-ink:#0c1220;--good:#4cc79b;--bad:#ff8a80;--waiting:#e8b84a}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.25rem;background:var(--ground);
color:var(--ink);font:1.0625rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{width:100%;max-width:27rem;background:var(--card);border:1px solid var(--line);border-radius:1rem;
padding:2rem 1.75rem;box-shadow:0 .5rem 2rem rgb(10 20 40/.08)}
.mark{width:3rem;height:3rem;border-radius:50%;display:grid;place-items:center;font-size:1.5rem;font-weight:700;
border:2px solid currentColor;margin-bottom:1rem}
.good{color:var(--good)}.bad{color:var(--bad)}.waiting{color:var(--waiting)}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 .5rem}
p{margin:0 0 1rem;color:var(--soft)}
dl{margin:1.25rem 0 0;border-top:1px solid var(--line)}
dl div{display:flex;flex-wrap:wrap;justify-content:space-between;gap:.25rem 1rem;padding:.65rem 0;
border-bottom:1px solid var(--line)}
dt{color:var(--soft)}dd{margin:0;font-weight:600;overflow-wrap:anywhere}
form{margin:1.5rem 0 0}
button,a.button{display:block;width:100%;padding:.8rem 1rem;border:0;border-radius:.65rem;background:var(--accent);
color:var(--accent-ink);font:inherit;font-weight:600;text-align:center;text-decoration:none;cursor:pointer}
a.button{margin-top:1.5rem}
.field{padding:.8rem .75rem;border:1px solid var(--line);border-radius:.65rem;background:#fff}
.entry label{display:block;margin-bottom:.3rem;font-weight:600;color:var(--ink)}
.entry input{width:100%;padding:.7rem .75rem;border:1px solid var(--soft);border-radius:.65rem;background:var(--card);
color:var(--ink);font:inherit;font-variant-numeric:tabular-nums}
.entry input:focus-visible{outline:3px solid var(--accent);outline-offset:1px}
#problem,#apple-pay-problem{color:var(--bad);margin:.75rem 0;min-height:1.5em}
#apple-pay-problem:empty{display:none}
button.apple-pay{background:#000;color:#fff;border:1px solid #fff;min-height:3rem}
@supports (-webkit-appearance:-apple-pay-button){button.apple-pay{-webkit-appearance:-apple-pay-button;
-apple-pay-button-type:plain;-apple-pay-button-style:black;border:0;padding:0}button.apple-pay span{display:none}}
.or{display:flex;align-items:center;gap:.75rem;margin:1.25rem 0}
.or::before,.or::after{content:"";flex:1;border-top:1px solid var(--line)}
button[disabled]{opacity:.55;cursor:default}
button.plain{margin-top:.75rem;background:transparent;color:var(--soft);font-weight:400}
button:focus-visible,a.button:focus-visible{outline:3px solid var(--ink);outline-offset:2px}
)";

struct Markings {
    std::string_view word, sign;
};

Markings markings(Mood mood) {
    switch (mood) {
        case Mood::good:
            return {"good", "✓"};
        case Mood::bad:
            return {"bad", "✕"};
        case Mood::waiting:
            return {"waiting", "…"};
    }
    return {"waiting", "…"};
}

std::string facts_html(const Notice& notice) {
    if (notice.facts.empty()) return "";
    std::string html = "<dl>\n";
    for (const auto& [name, value] : notice.facts)
        html.append("<div><dt>")
            .append(escaped(name))
            .append("</dt><dd>")
            .append(escaped(value))
            .append("</dd></div>\n");
    return html + "</dl>\n";
}

/// CSP directives of a script that is not ours, and where it lies.
struct Foreign {
    std::string script_url;
    std::string policy;
};

/// The one template. `action` and `script` are HTML and JavaScript of ours.
HttpResponse page(const Notice& notice, std::string_view action, std::string_view script,
                  std::string_view form_sources, std::string_view nonce, const Foreign& foreign = {}) {
    const auto [mood, sign] = markings(notice.mood);
    std::string html = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
    html += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
    html += "<meta name=\"robots\" content=\"noindex\">\n<title>" + escaped(notice.title) + "</title>\n";
    html.append("<style nonce=\"").append(nonce).append("\">").append(style).append("</style>\n</head>\n");
    html.append("<body>\n<main>\n<div class=\"mark ").append(mood).append("\" aria-hidden=\"true\">");
    html.append(sign).append("</div>\n<h1>").append(escaped(notice.title)).append("</h1>\n<p>");
    html.append(escaped(notice.text)).append("</p>\n").append(facts_html(notice)).append(action);
    html += "</main>\n";
    if (!foreign.script_url.empty())
        html.append("<script nonce=\"")
            .append(nonce)
            .append("\" src=\"")
            .append(escaped(foreign.script_url))
            .append("\"></script>\n");
    if (!script.empty())
        html.append("<script nonce=\"").append(nonce).append("\">").append(script).append("</script>\n");
    html += "</body>\n</html>\n";

    std::string policy = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action ";
    policy.append(form_sources.empty() ? "'none'" : form_sources);
    policy.append("; style-src 'nonce-").append(nonce).append("'");
    if (!script.empty()) policy.append("; script-src 'nonce-").append(nonce).append("'");
    policy.append(foreign.policy);
    return html_response(notice.status, std::move(html), policy);
}

std::string inputs(const Fields& fields) {
    std::string html;
    for (const auto& [name, value] : fields)
        html.append("<input type=\"hidden\" name=\"")
            .append(escaped(name))
            .append("\" value=\"")
            .append(escaped(value))
            .append("\">\n");
    return html;
}

/// "£12.50 and 10,00 €": what the chosen bundles cost together.
template <class Chosen>
std::string total(const core::Transaction& transaction, Chosen chosen) {
    std::map<std::string_view, Money> sums;
    for (const auto& bundle : transaction.bundles) {
        if (!chosen(bundle)) continue;
        auto& sum =
            sums.try_emplace(bundle.amount.currency.code(), Money{0, bundle.amount.currency}).first->second;
        sum.minor += bundle.amount.minor;
    }
    std::string text;
    for (const auto& [code, money] : sums) text += (text.empty() ? "" : " and ") + money_for_people(money);
    return text;
}

bool waits_for_another_way(const core::Transaction& transaction) {
    return transaction.phase == core::Phase::authorising &&
           transaction.policy.on_decline == core::OnDecline::again &&
           std::none_of(transaction.legs.begin(), transaction.legs.end(),
                        [](const core::Leg& leg) { return leg.doing != core::Doing::rest; });
}

void say(Notice& notice, Mood mood, std::string title, std::string text) {
    notice.mood = mood;
    notice.title = std::move(title);
    notice.text = std::move(text);
}

}  // namespace

std::string escaped(std::string_view text) {
    // Browsers turn a bare CR into LF when they read a page; as a reference it stays what it is.
    std::string out;
    for (const char c : encoding::html(text)) {
        if (c == '\r')
            out += "&#13;";
        else if (c == '\n')
            out += "&#10;";
        else
            out += c;
    }
    return out;
}

HttpResponse notice_page(const Notice& notice, const std::optional<Again>& again, std::string_view nonce) {
    if (!again) return page(notice, "", "", "", nonce);
    if (!again->by_post) {
        const auto link =
            "<a class=\"button\" id=\"again\" href=\"" + escaped(again->address) + "\">Look again</a>\n";
        return page(notice, link,
                    "setTimeout(()=>location.replace(document.getElementById('again').href),5000)", "",
                    nonce);
    }
    const auto form = "<form method=\"post\" action=\"" + escaped(again->address) +
                      "\" accept-charset=\"utf-8\">\n" + inputs(again->fields) +
                      "<button type=\"submit\">Look again</button>\n</form>\n";
    auto sources = "'self'" + (again->form_sources.empty() ? "" : " " + again->form_sources);
    return page(notice, form, "setTimeout(()=>HTMLFormElement.prototype.submit.call(document.forms[0]),5000)",
                sources, nonce);
}

HttpResponse form_page(const core::Callout& callout, const Notice& notice, std::string_view form_sources,
                       std::string_view nonce) {
    const auto form = "<form method=\"post\" action=\"" + escaped(callout.destination) +
                      "\" accept-charset=\"utf-8\">\n" + inputs(callout.parameters) +
                      "<button type=\"submit\">Go on to pay</button>\n</form>\n";
    // Not form.submit(): a parameter may be called "submit" and stand in its way.
    return page(notice, form, "HTMLFormElement.prototype.submit.call(document.forms[0])", form_sources,
                nonce);
}

namespace {

/// Whoever wants may show it in a frame, or only we ourselves as the policy says.
HttpResponse framed(HttpResponse response) {
    std::erase_if(response.headers, [](const auto& each) { return each.first == "X-Frame-Options"; });
    return response;
}

}  // namespace

HttpResponse passing_page(const providers::Flow::HostedPage& hosted, const Notice& notice,
                          std::string_view address, std::string_view form_sources, std::string_view nonce) {
    const auto form = "<form method=\"post\" action=\"" + escaped(address) +
                      "\" accept-charset=\"utf-8\">\n" + hosted.body_html + "</form>\n";
    Foreign foreign;
    // What navigates the frame itself is held against the policy of the page around it.
    if (!hosted.frame_html.empty()) foreign.policy.append("; frame-src ").append(form_sources);
    return page(notice, form, hosted.script, form_sources, nonce, foreign);
}

HttpResponse frame_page(std::string_view html, std::string_view sources) {
    std::string policy =
        "sandbox allow-scripts allow-forms; default-src 'none'; script-src 'unsafe-inline'; ";
    policy.append("style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'self'");
    policy.append("; form-action ").append(sources).append("; frame-src ").append(sources);
    std::string body =
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>3-D Secure</title>";
    body.append("</head><body>").append(html).append("</body></html>\n");
    return framed(html_response(200, std::move(body), policy));
}

HttpResponse method_done_page(std::string_view origin, std::string_view nonce) {
    std::string policy = "default-src 'none'; base-uri 'none'; form-action 'none'; script-src 'nonce-";
    policy.append(nonce).append("'");
    std::string body = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Done</title>";
    body.append("</head><body><script nonce=\"").append(nonce).append("\">");
    // Without words of the request: nothing of what came along is looked at. An origin has no character that
    // ends a string.
    body.append("window.top.postMessage('kassi:3ds-method-done', '").append(origin).append("')");
    body.append("</script></body></html>\n");
    return framed(html_response(200, std::move(body), policy));
}

HttpResponse hosted_page(const providers::Flow::HostedPage& hosted, const Notice& notice,
                         std::string_view return_url, std::string_view form_sources, std::string_view nonce) {
    const auto form = "<form method=\"post\" action=\"" + escaped(return_url) +
                      "\" accept-charset=\"utf-8\">\n" + hosted.body_html +
                      "<button type=\"submit\" class=\"plain\" name=\"cancelled\" value=\"yes\" "
                      "formnovalidate>Do not pay</button>\n"
                      "</form>\n";
    Foreign foreign{hosted.script_url, ""};
    const auto allow = [&foreign](std::string_view directive, const std::vector<std::string>& sources) {
        if (sources.empty()) return;
        foreign.policy.append(directive);
        for (const auto& source : sources) foreign.policy.append(" ").append(source);
    };
    // script-src is the last directive that page() writes: these belong to it.
    allow("", hosted.script_sources);
    allow("; frame-src", hosted.frame_sources);
    allow("; connect-src", hosted.connect_sources);
    return page(notice, form, hosted.script, form_sources, nonce, foreign);
}

Notice result_notice(const core::Transaction& transaction) {
    const auto all = [](const core::Bundle&) { return true; };
    const auto bought = [&](const core::Bundle& bundle) {
        return core::bundle_bought(transaction, bundle.source);
    };
    Notice notice;
    std::string amount = total(transaction, all);
    std::string amount_name = "Amount";
    switch (transaction.phase) {
        case core::Phase::purchased:
            if (core::is_partial(transaction)) {
                say(notice, Mood::good, "Paid in part",
                    "A part of your order is paid and yours. The rest could not be paid and was not bought.");
                amount = total(transaction, bought);
                amount_name = "Paid";
            } else {
                say(notice, Mood::good, "Paid", "Thank you. Your payment is complete.");
            }
            break;
        case core::Phase::cancelled:
            say(notice, Mood::waiting, "Cancelled",
                "This booking was cancelled. The money goes back the way it was paid.");
            break;
        case core::Phase::failed:
            say(notice, Mood::bad, "Not paid",
                "The payment did not succeed and nothing was bought. If money left your account, it is given "
                "back without your doing.");
            break;
        case core::Phase::released:
            say(notice, Mood::bad, "Not paid",
                "The reservation has ended and nothing was bought. If money left your account, it is given "
                "back without your doing.");
            break;
        case core::Phase::reserved:
        case core::Phase::authorising:
        case core::Phase::confirming:
        case core::Phase::capturing:
            if (transaction.phase == core::Phase::reserved || waits_for_another_way(transaction))
                say(notice, Mood::bad, "Not paid yet",
                    "The payment did not succeed. Please go back to where you booked and try again, or "
                    "another way.");
            else
                say(notice, Mood::waiting, "Being worked on",
                    "Your payment is not finished yet. Please do not pay again: this page looks for the "
                    "outcome by itself.");
            break;
    }
    notice.facts.emplace_back(amount_name, amount);
    notice.facts.emplace_back("Booking reference", transaction.reference);
    return notice;
}

std::vector<std::pair<std::string, std::string>> callout_facts(const core::Transaction& transaction,
                                                               Instant now) {
    std::vector<std::pair<std::string, std::string>> facts;
    const auto* leg = core::leg_away(transaction);
    if (leg != nullptr) facts.emplace_back("To pay now", money_for_people(leg->amount));
    facts.emplace_back("Booking reference", transaction.reference);
    const auto until = transaction.held_until;
    const auto left = std::chrono::floor<std::chrono::minutes>(until - now).count();
    facts.emplace_back(
        "Held for you until",
        instant_for_people(until) + (left > 0 ? " (" + std::to_string(left) + " min left)" : std::string()));
    return facts;
}

Notice callout_notice(const core::Transaction& transaction, Instant now) {
    Notice notice;
    say(notice, Mood::waiting, "On to your payment",
        "You are being sent to the page of the payment provider. If nothing happens, use the button.");
    notice.facts = callout_facts(transaction, now);
    return notice;
}

std::string get_address(const core::Callout& callout) {
    if (callout.parameters.empty()) return callout.destination;
    return callout.destination + "?" + encoding::form(callout.parameters);
}

std::string landing_address(std::string_view landing_url, const core::Transaction& transaction) {
    return std::string(landing_url)
        .append("?transaction=")
        .append(transaction.id.text())
        .append("&status=")
        .append(core::word(transaction.phase));
}

}  // namespace kassi::callbacks
