"""What one run of the load says, in the units of the table; medians over rounds."""

import statistics


def of_load(result):
    """From bench_load's answer."""
    customers = max(result["customers"], 1)
    requests = max(result["requests"], 1)
    return {
        "payments_s": result["customers"] / result["seconds"],
        "requests_s": result["requests"] / result["seconds"],
        "p50_ms": result["request_us"]["p50"] / 1000,
        "p99_ms": result["request_us"]["p99"] / 1000,
        "p99.9_ms": result["request_us"]["p99.9"] / 1000,
        "payment_p50_ms": result["customer_us"]["p50"] / 1000,
        "payment_p99_ms": result["customer_us"]["p99"] / 1000,
        "payment_p99.9_ms": result["customer_us"]["p99.9"] / 1000,
        "p99_to_p50": result["request_us"]["p99"] / max(result["request_us"]["p50"], 1),
        "cpu_us": result["server_cpu"] / customers * 1e6,
        "cpu_us_request": result["server_cpu"] / requests * 1e6,
        "load_cpu_us": result["load_cpu"] / customers * 1e6,
        "syncs": result["syncs"] / customers,
        "written_kb": result["written_bytes"] / customers / 1000,
        "rss_mib": result["rss_kib"] / 1024,
        "peak_mib": result["peak_kib"] / 1024,
        "foreign_cores": result["foreign_cores"],
        "stolen_cores": result["stolen_cores"],
    }


def composite(bare_requests_s, bare_payments_s):
    """Payments a second of a machine that does two requests and one payment's rows, one after the other."""
    return 1 / (2 / bare_requests_s + 1 / bare_payments_s)


def spread(values):
    values = list(values)
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "rounds": len(values)}


def over_rounds(rounds):
    """The same names in every round: a spread for each."""
    return {name: spread(each[name] for each in rounds) for name in rounds[0]}
