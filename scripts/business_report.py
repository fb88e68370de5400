"""The demo's front page: what was planted and what was found, with the way to each bank's report.

One printable HTML file that stands alone. It compares nothing: `Compared` comes with the sets worked out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jinja2 import Environment, StrictUndefined

from ledger.errors import InputError
from ledger.reconciliation import KIND_WORDS, Kind, Reconciliation

Told = tuple[int, str, str, str, str]
"""Bank, kind, ids, expected, found."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What a planter planted against what a reconciliation found; `right` was both, the rest was only one."""

    right: tuple[Told, ...]
    missed: tuple[Told, ...]
    false_alarms: tuple[Told, ...]

    @property
    def planted(self) -> int:
        """How many errors were planted."""
        return len(self.right) + len(self.missed)


_PAGE: Final = """<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>
  :root { color-scheme: light; }
  body { font: 14px/1.5 "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "Source Han Sans SC", system-ui,
    sans-serif; color: #1a1d21; background: #fff; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
  h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
  .en { color: #566; font-weight: 400; }
  table { border-collapse: collapse; width: 100%; }
  th, td { border-bottom: 1px solid #d5d9de; padding: .35rem .5rem; text-align: left; vertical-align: top; }
  th { border-bottom: 2px solid #1a1d21; } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
  td.ids { overflow-wrap: anywhere; }
  .yes { color: #1b7f4b; } .no { color: #b3261e; font-weight: 600; }
  @page { size: A4 landscape; margin: 14mm; }
  @media print { body { margin: 0; max-width: none; font-size: 10px; } tr { break-inside: avoid; }
    thead { display: table-header-group; } }
</style>
</head>
<body>
<h1>{{ title }}</h1>
<ul>
{% for line in closing %}
<li>{{ line }}</li>
{% endfor %}
</ul>
<h2>各行对账报告 <span class="en">Reports by bank</span></h2>
<ul>
{% for each in results %}
<li><a href="{{ folder }}/bank-{{ each.bank }}.html">{{ each.bank_name }} ({{ each.bank }})</a> ·
  {{ each.breaks|length }} 项差异 breaks · <a href="{{ folder }}/bank-{{ each.bank }}.csv">CSV</a> ·
  <a href="{{ folder }}/bank-{{ each.bank }}.json">JSON</a></li>
{% endfor %}
</ul>
<h2>埋入与查出 <span class="en">Planted and found</span></h2>
<table>
<thead><tr><th>银行 Bank</th><th>类别 Kind</th><th>对象 Which</th><th class="n">应为 Expected</th>
<th class="n">账上 Found</th><th>结论 Verdict</th></tr></thead>
<tbody>
{% for verdict, css, rows in groups %}
{% for bank, kind, ids, expected, found in rows %}
<tr><td>{{ bank }}</td><td>{{ words[kind].zh }}<br><span class="en">{{ words[kind].en }}</span></td>
<td class="ids">{{ ids }}</td><td class="n">{{ expected or "–" }}</td><td class="n">{{ found or "–" }}</td>
<td class="{{ css }}">{{ verdict }}</td></tr>
{% endfor %}
{% endfor %}
</tbody>
</table>
</body>
</html>
"""


def write_report(
    path: Path,
    *,
    title: str,
    closing: Sequence[str],
    results: Sequence[Reconciliation],
    compared: Compared,
    folder: str,
) -> None:
    """Writes the page; `folder` is where, beside it, the banks' own reports lie. InputError if it cannot be written."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.from_string(_PAGE).render(
        title=title,
        closing=closing,
        results=results,
        folder=folder,
        words={kind.value: KIND_WORDS[kind] for kind in Kind},
        groups=(
            ("漏报 missed", "no", compared.missed),
            ("误报 false alarm", "no", compared.false_alarms),
            ("查出 found", "yes", compared.right),
        ),
    )
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as failed:
        raise InputError(f"{path} cannot be written: {failed.strerror}") from None
