"""Rounds that alternate, and are thrown away when others used the machine meanwhile."""

from parts import machine, measures


def alternate(settings, what, one_round):
    """`one_round(number)` answers name -> measures, each with foreign_cores where it was watched. Answers name ->
    figures over the rounds that count."""
    counted, thrown = [], []
    while len(counted) < settings.rounds and len(counted) + len(thrown) < settings.rounds_max:
        found = one_round(len(counted) + len(thrown))
        foreign = max(figures.get("foreign_cores", 0) for figures in found.values())
        clean = foreign < machine.FOREIGN_MAX
        (counted if clean else thrown).append(found)
        settings.say(f"{what}: round {len(counted) + len(thrown)}, others used {foreign:.2f} cores"
                     + ("" if clean else ": thrown away"))
    if thrown:
        settings.notes.append(f"{what}: {len(thrown)} rounds thrown away, others used the machine")
    if len(counted) < settings.rounds:
        settings.notes.append(f"{what}: only {len(counted)} of {settings.rounds} rounds were quiet"
                              + ("" if counted else "; the figures are of rounds that were NOT"))
    kept = counted or thrown
    return {name: measures.over_rounds([each[name] for each in kept]) for name in kept[0]}
