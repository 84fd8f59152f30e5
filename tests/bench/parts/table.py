"""What is printed: rows of figures, and the targets beside what was found."""

COLUMNS = [
    ("payments/s", "payments_s", 0), ("ratio", "ratio", 2), ("p50 ms", "p50_ms", 2), ("p99 ms", "p99_ms", 2),
    ("p99.9 ms", "p99.9_ms", 2), ("CPU us", "cpu_us", 0), ("fsyncs", "syncs", 3), ("written KB", "written_kb", 1),
    ("disk KB", "database_kb", 2), ("RSS MiB", "rss_mib", 0),
]


def figure(value, places):
    return f"{value:,.{places}f}"


def spread_text(found, places):
    if found is None:
        return "-"
    if found["rounds"] == 1 or found["min"] == found["max"]:
        return figure(found["median"], places)
    return f"{figure(found['median'], places)} [{figure(found['min'], places)}-{figure(found['max'], places)}]"


def lines(header, rows):
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    for row in [header, ["-" * width for width in widths], *rows]:
        yield "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"


def of_measures(measured):
    """`measured`: name -> figures over rounds."""
    header = ["median [min-max]", *(title for title, _, _ in COLUMNS)]
    rows = [[name, *(spread_text(figures.get(key), places) for _, key, places in COLUMNS)]
            for name, figures in measured.items()]
    return "\n".join(lines(header, rows))


class Target:
    """A figure that is wanted: `sign` is "<=", "<" or ">="."""

    def __init__(self, what, value, sign, wanted, places=2):
        self.what, self.value, self.sign, self.wanted, self.places = what, value, sign, wanted, places

    def met(self):
        return {"<=": self.value <= self.wanted, "<": self.value < self.wanted, ">=": self.value >= self.wanted}[self.sign]

    def json(self):
        return {"what": self.what, "found": self.value, "wanted": f"{self.sign} {self.wanted}", "met": self.met()}


def of_targets(targets):
    rows = [[target.what, figure(target.value, target.places), f"{target.sign} {target.wanted:,}",
             "met" if target.met() else "MISSED"] for target in targets]
    return "\n".join(lines(["target", "found", "wanted", ""], rows))
