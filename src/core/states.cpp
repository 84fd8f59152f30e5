#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <vector>

#include "base/encoding.hpp"
#include "core/tables.hpp"

/// The tables of tables.cpp for people. Nothing is repeated here but where things stand in the picture.
namespace kassi::core {
namespace {

template <class E>
inline constexpr std::size_t size_of = 0;
template <>
inline constexpr std::size_t size_of<Phase> = static_cast<std::size_t>(Phase::cancelled) + 1;
template <>
inline constexpr std::size_t size_of<Doing> = static_cast<std::size_t>(Doing::doubt) + 1;
template <>
inline constexpr std::size_t size_of<Verb> = static_cast<std::size_t>(Verb::close) + 1;

template <class E>
std::vector<E> members(Mask set) {
    std::vector<E> list;
    for (std::size_t i = 0; i < size_of<E>; ++i)
        if (in(set, static_cast<E>(i))) list.push_back(static_cast<E>(i));
    return list;
}

template <class E>
std::string names(Mask set) {
    const auto list = members<E>(set);
    if (list.size() == size_of<E>) return "any";
    std::string text;
    for (const auto one : list) text.append(text.empty() ? "" : " | ").append(word(one));
    return text;
}

// ---- text
// --------------------------------------------------------------------------------------------------

using Line = std::vector<std::string>;

/// Columns as wide as their widest cell, two blanks between them, no blanks at the end of a line.
std::string aligned(const std::vector<Line>& lines) {
    std::vector<std::size_t> widths;
    for (const auto& line : lines) {
        widths.resize(std::max(widths.size(), line.size()));
        for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
    }
    std::string text;
    for (std::size_t row = 0; row < lines.size(); ++row) {
        std::string line;
        for (std::size_t i = 0; i < lines[row].size(); ++i)
            line += fmt::format("{:<{}}", lines[row][i], widths[i] + 2);
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + '\n';
        if (row > 0) continue;
        line.clear();
        for (const auto width : widths) line += std::string(width, '-') + "  ";
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + '\n';
    }
    return text;
}

/// Phases that no row leaves.
std::string last_phases() {
    Mask left = 0;
    for (const auto& row : transaction_table()) left |= row.from;
    return names<Phase>(static_cast<Mask>(~left));
}

// ---- arrows
// ------------------------------------------------------------------------------------------------

/// What leads from one state to another. `sure`: its row leads nowhere else.
struct Reason {
    std::string_view on;
    bool sure = false;
};
template <class E>
struct Arrow {
    E from, to;
    std::vector<Reason> reasons;  ///< sure ones first
    [[nodiscard]] bool sure() const { return !reasons.empty() && reasons.front().sure; }
};

template <class E, class Row>
std::vector<Arrow<E>> arrows(std::span<const Row> table, bool short_of_calls) {
    std::vector<Arrow<E>> list;
    for (const auto from : members<E>(static_cast<Mask>(~0U))) {
        for (const auto to : members<E>(static_cast<Mask>(~0U))) {
            Arrow<E> arrow{from, to, {}};
            for (const Row& row : table) {
                const auto targets = members<E>(row.to);
                // What leaves every state as it is has no arrow.
                if (targets.size() > 1 && row.from == row.to) continue;
                if (!in(row.from, from) || !in(row.to, to)) continue;
                if constexpr (std::same_as<E, Doing>) {
                    // Such a row begins a call; what may come of that at once has rows and arrows of its own.
                    if (short_of_calls && targets.size() > 2 && to != Doing::call) continue;
                }
                const bool sure = targets.size() == 1;
                const auto known = std::ranges::find(arrow.reasons, word(row.on), &Reason::on);
                if (known == arrow.reasons.end())
                    arrow.reasons.push_back({word(row.on), sure});
                else
                    known->sure = known->sure || sure;
            }
            std::ranges::stable_partition(arrow.reasons, &Reason::sure);
            if (!arrow.reasons.empty()) list.push_back(std::move(arrow));
        }
    }
    return list;
}

// ---- Graphviz
// ----------------------------------------------------------------------------------------------

template <class E, class Row>
std::string cluster(std::string_view name, std::string_view title, std::span<const Row> table) {
    auto text = fmt::format("  subgraph cluster_{} {{\n    label=\"{}\";\n", name, title);
    for (const auto state : members<E>(static_cast<Mask>(~0U)))
        text += fmt::format("    {}_{} [label=\"{}\"];\n", name, word(state), word(state));
    for (const auto& arrow : arrows<E>(table, false)) {
        std::string label;
        for (const auto& reason : arrow.reasons) label.append(label.empty() ? "" : "\\n").append(reason.on);
        text += fmt::format("    {0}_{1} -> {0}_{2} [label=\"{3}\"{4}];\n", name, word(arrow.from),
                            word(arrow.to), label, arrow.sure() ? "" : ", style=dashed");
    }
    return text + "  }\n";
}

// ---- the picture
// -------------------------------------------------------------------------------------------

constexpr int picture_width = 1000;
constexpr int transaction_height = 440;
constexpr int leg_height = 625;
constexpr int margin = 12;
constexpr int box_height = 46;
constexpr int line_height = 15;

enum class Grow { up, down };  ///< from the given line

/// The way of an arrow, and where its words stand. Without one an arrow is drawn straight and marked
/// "unplaced", which a test refuses: a new move wants a place in the picture.
template <class E>
struct Route {
    E from, to;
    std::string_view path;
    int x, y;
    std::string_view anchor;
    Grow grow;
    std::size_t characters;  ///< in a line
};

struct Box {
    int x, y, width;  ///< the middle
    std::string_view kind, below;
};

Box box_of(Phase phase) {
    switch (phase) {
        case Phase::reserved:
            return {90, 225, 112, "open", ""};
        case Phase::authorising:
            return {295, 225, 112, "working", ""};
        case Phase::confirming:
            return {500, 225, 112, "working", ""};
        case Phase::capturing:
            return {705, 225, 112, "working", ""};
        case Phase::purchased:
            return {910, 225, 112, "good", ""};
        case Phase::released:
            return {90, 360, 112, "over", ""};
        case Phase::failed:
            return {500, 360, 112, "bad", ""};
        case Phase::cancelled:
            return {910, 360, 112, "over", ""};
    }
    return {};
}

Box box_of(Doing doing) {
    switch (doing) {
        case Doing::rest:
            return {215, 305, 130, "good", "nothing is open"};
        case Doing::call:
            return {510, 305, 130, "working", "a provider is asked"};
        case Doing::away:
            return {835, 155, 136, "open", "the customer is gone"};
        case Doing::doubt:
            return {835, 455, 130, "bad", "nobody knows"};
    }
    return {};
}

// clang-format off
constexpr auto phase_routes = std::to_array<Route<Phase>>({
    {Phase::reserved, Phase::authorising, "M146,225 H237", 191, 217, "middle", Grow::up, 12},
    {Phase::reserved, Phase::released, "M90,248 V335", 99, 285, "start", Grow::down, 10},
    {Phase::authorising, Phase::authorising, "M258,202 C244,160 290,160 278,200", 240, 180, "end", Grow::up, 9},
    {Phase::authorising, Phase::confirming, "M351,225 H442", 396, 217, "middle", Grow::up, 12},
    {Phase::authorising, Phase::capturing, "M316,202 C350,135 650,135 684,200", 500, 144, "middle", Grow::up, 30},
    {Phase::authorising, Phase::purchased, "M298,202 C335,30 865,30 896,200", 597, 65, "middle", Grow::up, 60},
    {Phase::authorising, Phase::failed, "M295,248 C295,335 360,360 442,360", 288, 285, "end", Grow::down, 14},
    {Phase::confirming, Phase::capturing, "M556,225 H647", 601, 217, "middle", Grow::up, 10},
    {Phase::confirming, Phase::purchased, "M520,202 C565,85 835,85 878,200", 699, 106, "middle", Grow::up, 40},
    {Phase::confirming, Phase::failed, "M500,248 V335", 509, 277, "start", Grow::down, 14},
    {Phase::capturing, Phase::purchased, "M761,225 H852", 806, 217, "middle", Grow::up, 14},
    {Phase::capturing, Phase::failed, "M705,248 C705,335 640,360 560,360", 713, 285, "start", Grow::down, 14},
    {Phase::purchased, Phase::purchased, "M922,202 C908,160 956,160 943,200", 944, 162, "middle", Grow::up, 9},
    {Phase::purchased, Phase::cancelled, "M910,248 V335", 902, 292, "end", Grow::down, 20},
});

constexpr auto doing_routes = std::to_array<Route<Doing>>({
    {Doing::rest, Doing::rest, "M150,294 C95,275 95,335 148,317", 100, 270, "end", Grow::down, 10},
    {Doing::rest, Doing::call, "M280,296 H443", 361, 288, "middle", Grow::up, 24},
    {Doing::rest, Doing::away, "M195,282 C195,55 520,55 766,143", 385, 88, "middle", Grow::up, 20},
    {Doing::rest, Doing::doubt, "M235,328 C255,482 560,505 768,466", 425, 447, "middle", Grow::up, 30},
    {Doing::call, Doing::rest, "M445,314 H282", 363, 332, "middle", Grow::down, 24},
    {Doing::call, Doing::call, "M496,282 C480,237 540,237 525,280", 510, 240, "middle", Grow::up, 26},
    {Doing::call, Doing::away, "M562,282 L766,172", 648, 226, "end", Grow::up, 12},
    {Doing::call, Doing::doubt, "M575,317 L768,438", 688, 380, "start", Grow::up, 18},
    {Doing::away, Doing::rest, "M767,155 C560,112 250,112 238,280", 505, 154, "middle", Grow::down, 40},
    {Doing::away, Doing::call, "M784,178 L577,295", 680, 254, "start", Grow::down, 23},
    {Doing::away, Doing::away, "M903,145 C953,135 953,175 905,165", 940, 114, "middle", Grow::up, 12},
    {Doing::doubt, Doing::rest, "M790,478 C640,575 195,575 195,330", 420, 552, "middle", Grow::down, 50},
    {Doing::doubt, Doing::call, "M770,456 L552,330", 626, 392, "end", Grow::down, 22},
    {Doing::doubt, Doing::away, "M835,432 V180", 844, 310, "start", Grow::down, 12},
    {Doing::doubt, Doing::doubt, "M900,445 C950,435 950,475 902,465", 932, 494, "middle", Grow::down, 8},
});
// clang-format on

/// Reasons in lines of about so many characters; one that is longer than a line is broken at its blanks.
std::vector<std::vector<Reason>> lines_of(const std::vector<Reason>& reasons, std::size_t characters) {
    std::vector<std::vector<Reason>> lines;
    std::size_t used = 0;
    const auto put = [&](Reason reason, bool new_line) {
        constexpr std::size_t separator = 3;
        const auto wanted = used == 0 ? reason.on.size() : used + separator + reason.on.size();
        const bool fits = !lines.empty() && !new_line && wanted <= characters;
        if (!fits) lines.emplace_back();
        used = fits ? wanted : reason.on.size();
        lines.back().push_back(reason);
    };
    for (auto [on, sure] : reasons) {
        bool broken = false;
        while (on.size() > characters) {
            const auto blank = on.rfind(' ', characters);
            if (blank == std::string_view::npos) break;
            put({on.substr(0, blank), sure}, true);
            on.remove_prefix(blank + 1);
            broken = true;
        }
        put({on, sure}, broken);
    }
    return lines;
}

std::string label(const std::vector<Reason>& reasons, int x, int y, std::string_view anchor, Grow grow,
                  std::size_t characters) {
    const auto lines = lines_of(reasons, characters);
    const int first = grow == Grow::up ? y - line_height * (static_cast<int>(lines.size()) - 1) : y;
    std::string text =
        fmt::format("<text class=\"on\" x=\"{}\" y=\"{}\" text-anchor=\"{}\">", x, first, anchor);
    for (std::size_t i = 0; i < lines.size(); ++i) {
        text += fmt::format("<tspan x=\"{}\" dy=\"{}\">", x, i == 0 ? 0 : line_height);
        for (std::size_t j = 0; j < lines[i].size(); ++j) {
            if (j > 0) text += " · ";
            const auto& [on, sure] = lines[i][j];
            text += sure ? encoding::html(on)
                         : fmt::format("<tspan class=\"may\">{}</tspan>", encoding::html(on));
        }
        text += "</tspan>";
    }
    return text + "</text>\n";
}

template <class E, class Row, std::size_t N>
std::string machine(std::span<const Row> table, const std::array<Route<E>, N>& routes) {
    std::string lines, words, boxes;
    for (const auto& arrow : arrows<E>(table, true)) {
        const auto route = std::ranges::find_if(routes, [&](const Route<E>& one) {
            return !one.path.empty() && one.from == arrow.from && one.to == arrow.to;
        });
        const auto line_class = arrow.sure() ? "way" : "way maybe";
        if (route == routes.end()) {
            const auto from = box_of(arrow.from), to = box_of(arrow.to);
            lines += fmt::format("<path class=\"{} unplaced\" d=\"M{},{} L{},{}\"/>\n", line_class, from.x,
                                 from.y, to.x, to.y);
            words += label(arrow.reasons, (from.x + to.x) / 2, (from.y + to.y) / 2, "middle", Grow::down, 20);
            continue;
        }
        lines += fmt::format("<path class=\"{}\" d=\"{}\"/>\n", line_class, route->path);
        words += label(arrow.reasons, route->x, route->y, route->anchor, route->grow, route->characters);
    }
    for (const auto state : members<E>(static_cast<Mask>(~0U))) {
        const auto box = box_of(state);
        boxes +=
            fmt::format("<rect class=\"box {}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"10\"/>",
                        box.kind, box.x - box.width / 2, box.y - box_height / 2, box.width, box_height);
        boxes += fmt::format("<text class=\"state\" x=\"{}\" y=\"{}\">{}</text>\n", box.x,
                             box.y + (box.below.empty() ? 5 : -1), word(state));
        if (!box.below.empty())
            boxes += fmt::format("<text class=\"below\" x=\"{}\" y=\"{}\">{}</text>\n", box.x, box.y + 14,
                                 box.below);
    }
    return lines + words + boxes;
}

std::string legend(int y) {
    static constexpr std::pair<std::string_view, std::string_view> kinds[] = {
        {"open", "open"},
        {"working", "working"},
        {"good", "good end"},
        {"bad", "bad end"},
        {"over", "nothing bought, nothing owed"}};
    std::string text;
    int x = 34;
    for (const auto& [kind, meaning] : kinds) {
        text += fmt::format("<rect class=\"box {}\" x=\"{}\" y=\"{}\" width=\"16\" height=\"12\" rx=\"3\"/>",
                            kind, x, y - 10);
        text += fmt::format("<text class=\"small\" x=\"{}\" y=\"{}\">{}</text>\n", x + 23, y, meaning);
        x += 23 + 20 + static_cast<int>(meaning.size()) * 7;
    }
    return text;
}

constexpr std::string_view style = R"(<style>
text { font-family: system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; fill: #1f2933; }
.card { fill: #ffffff; stroke: #d5dbe1; }
.title { font-size: 19px; font-weight: 700; }
.small { font-size: 12.5px; fill: #52606d; }
.state { font-size: 15px; font-weight: 650; text-anchor: middle; }
.below { font-size: 11px; fill: #52606d; text-anchor: middle; }
.on { font-size: 12.5px; paint-order: stroke; stroke: #ffffff; stroke-width: 4px; stroke-linejoin: round; }
.may { fill: #7b8794; font-style: italic; }
.way { fill: none; stroke: #52606d; stroke-width: 1.6; marker-end: url(#head); }
.maybe { stroke-dasharray: 5 4; stroke: #9aa5b1; }
.box { stroke-width: 1.6; }
.open { fill: #e6f0fb; stroke: #2f6fb5; }
.working { fill: #fdf3d8; stroke: #b7841c; }
.good { fill: #e1f5e7; stroke: #2c8653; }
.bad { fill: #fbe5e4; stroke: #bf3b36; }
.over { fill: #eef0f2; stroke: #7b8794; }
.line { stroke: #e4e8ec; }
</style>
<defs><marker id="head" viewBox="0 0 10 10" refX="8" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse">
<path d="M0,1 L9,5 L0,9 z" fill="#52606d"/></marker></defs>
)";

}  // namespace

std::string states_text() {
    std::vector<Line> lines{{"from", "on", "when", "to", "note"}};
    for (const auto& row : transaction_table())
        lines.push_back({names<Phase>(row.from), std::string(word(row.on)), std::string(row.guard_word),
                         names<Phase>(row.to), std::string(row.note)});
    std::string text =
        "Transaction: the phase. The first row that fits is taken; without one nothing happens.\n\n";
    text += aligned(lines);
    text += fmt::format("{}: the verdict never changes; the legs go on until settled.\n\n", last_phases());

    lines = {{"from", "on", "when", "to", "money", "note"}};
    for (const auto& row : leg_table()) {
        const auto verbs = names<Verb>(row.verbs);
        lines.push_back(
            {names<Doing>(row.from),
             verbs == "any" ? std::string(word(row.on)) : fmt::format("{}: {}", word(row.on), verbs),
             std::string(row.guard_word), names<Doing>(row.to), std::string(row.money),
             std::string(row.note)});
    }
    text += "Leg: what is being done about it now. Money \".\": as it was.\n\n";
    return text + aligned(lines);
}

std::string states_dot() {
    return "digraph kassi {\n  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"Helvetica\"];\n"
           "  edge [fontname=\"Helvetica\", fontsize=10];\n" +
           cluster<Phase>("transaction", "Transaction", transaction_table()) +
           cluster<Doing>("leg", "Leg", leg_table()) + "}\n";
}

std::string states_svg() {
    constexpr int height = transaction_height + leg_height;
    std::string svg = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
        "role=\"img\" "
        "aria-label=\"The two state machines of Kassi: transaction and leg\">\n{2}",
        picture_width, height, style);
    svg += fmt::format("<rect class=\"card\" x=\"1\" y=\"1\" width=\"{}\" height=\"{}\" rx=\"16\"/>\n",
                       picture_width - 2, height - 2);
    svg += "<text class=\"title\" x=\"34\" y=\"42\">Transaction</text>\n";
    svg += "<text class=\"small\" x=\"34\" y=\"62\">what was decided</text>\n";
    svg += machine<Phase>(transaction_table(), phase_routes);
    svg += legend(transaction_height - 22);
    svg += fmt::format("<path class=\"line\" d=\"M{},{} H{}\"/>\n", margin + 22, transaction_height,
                       picture_width - margin - 22);
    svg += fmt::format("<g transform=\"translate(0,{})\">\n", transaction_height);
    svg += "<text class=\"title\" x=\"34\" y=\"42\">Leg</text>\n";
    svg += "<text class=\"small\" x=\"34\" y=\"62\">one try to pay: what is being done about it now</text>\n";
    svg += machine<Doing>(leg_table(), doing_routes);
    svg += fmt::format(
        "<text class=\"small\" x=\"34\" y=\"{}\">Dashed or <tspan class=\"may\">pale</tspan>: one of several "
        "ways out of a row. The table (kassi states) says which, when, and what becomes of the "
        "money.</text>\n",
        leg_height - 22);
    return svg + "</g>\n</svg>\n";
}

}  // namespace kassi::core
