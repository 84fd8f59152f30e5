#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/directory.hpp"

/// How a trolley may be paid: what the directory knows, and nothing else. A way is an account: what it may
/// pay with, and what was agreed with it. Pure.
namespace kassi::sandbox::shop {

/// Where an account may pay one bundle in more than one way.
struct Choice {
    std::string source, source_name;
    std::vector<std::pair<std::string, std::string>>
        merchants;  ///< name, and a few words; the first is the default
};
struct Way {
    std::string key;         ///< the account's name
    std::string title;       ///< "Pays on credit"
    std::string about;       ///< by what each bundle is paid
    bool odd = false;        ///< an agreement or a house that is out of the ordinary: shown below the others
    bool asks_card = false;  ///< what it pays with unless chosen otherwise wants a card from the shop
    std::string why_not;     ///< "" when it can pay all of the trolley
    std::vector<Choice> choices;
};

/// The bundles of a trolley: source and currency.
using Sources = std::vector<std::pair<std::string, Currency>>;

/// Every account of `system`, in the order of the directory, but for those of the TicketOrder door; of
/// several that pay alike the first.
std::vector<Way> ways(const engine::Directory& directory, const providers::Registry& registry,
                      std::string_view system, const Sources& sources);
/// The booking system must bring a card: one of the merchants that pay takes one, and no page asks the
/// customer for it. `chosen`: source -> merchant; absent: the account's first that takes the currency.
bool asks_card(const engine::Directory& directory, const providers::Registry& registry,
               const engine::Caller& caller, const Sources& sources,
               const std::map<std::string, std::string>& chosen);
/// Nullptr for an unknown key.
const Way* find_way(const std::vector<Way>& ways, std::string_view key);
/// What a newcomer finds chosen: the first that can pay, and sends the customer to a page if one does; ""
/// none.
std::string first_choice(const std::vector<Way>& ways, const engine::Directory& directory,
                         const providers::Registry& registry);

}  // namespace kassi::sandbox::shop
