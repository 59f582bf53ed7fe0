"""Are groups found in texts, is a gap that is there found, is one that is not there left alone, and how biased are our own measures?

    OMP_NUM_THREADS=1 python -m benchmarks.eval_bias [--data ../shared/data] [--cache __cache__/eval_bias] [--markdown PAGE]
        [--parts lexicon,silence,...] [--trials 300] [--regard DIR] [--sentiment DIR]

Embeddings by the bundled model. Parts:
  lexicon   HateCheck, BBQ: recall and false mention of each group; BOLD: actors and actresses; CrowS-Pairs: pairs whose difference is seen;
            of all texts and of the half that nobody read when the lexicon was revised
  tone      regard and sentiment against labels, where the user has fetched them: --regard: train.tsv and test.tsv of data/regard in
            github.com/ewsheng/nlg-bias; --sentiment: hutto_ICWSM_2014 and vaderSentiment of vaderSentiment 3.3.2's source distribution
  silence   no gap: share of tests with p <= .05 and of comparisons with a finding; groups at random and groups that ask about other things
  power     gaps of .3 and .5 standard deviations, 50 to 400 sessions a group: found at p <= .05, as a finding, and covered by the interval
  refusals  a group refused more often
  pairs     sign-flip tests of counterfactual pairs: level and power
  own       our measures' own bias: the same sentences about different groups, masked and not
  heads     injection, toxicity, refusal, regard and sentiment of the same harmless texts about two groups
  bbq       UnifiedQA's answers to BBQ by category and group
  weat      the encoder's associations
JSON lines, and tables between the markers of a page. Without the data it says so and ends with 0.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.bias_heads import measure_heads
from benchmarks.bias_lexicon import measure_lexicon
from benchmarks.bias_probe import measure_bbq
from benchmarks.bias_streams import cached_embed, load_answers, load_bold
from benchmarks.bias_texts import measure_own, measure_tone, measure_weat
from benchmarks.bias_trials import measure_pairs, measure_power, measure_refusals, measure_silence
from benchmarks.drift_tables import Table
from benchmarks.report import emit, machine
from driftline_analyzers.bias.lexicon import GroupLexicon, default_lexicon
from driftline_analyzers.bias.tone import Embed

_BEGIN, _END = "<!-- eval_bias begins -->", "<!-- eval_bias ends -->"
PARTS: Final = ("lexicon", "tone", "silence", "power", "refusals", "pairs", "own", "heads", "bbq", "weat")


def write_tables(page: Path, tables: Sequence[Table]) -> None:
    """Between the page's two markers, each in place of the one of its name there, new ones last; or as a page of their own."""
    before, found, rest = (page.read_text(encoding="utf-8") if page.exists() else "").partition(_BEGIN)
    old, _, after = rest.partition(_END)
    sections = {part.split("\n", 1)[0].strip(): part.strip() for part in old.split("### ")[1:]} if found else {}
    sections |= {table.name: table.markdown().removeprefix("### ") for table in tables}
    text = "\n\n".join(f"### {section}" for section in sections.values())
    page.write_text(f"{before}{_BEGIN}\n\n{text}\n\n{_END}{after}" if found else text + "\n", encoding="utf-8")


def main() -> int:
    """The parts asked for, in order."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, default=Path("__cache__/eval_bias"))
    parser.add_argument(
        "--markdown", type=Path, help="a page: tables replace those of their names between its markers, others stay"
    )
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--regard", type=Path, help="train.tsv and test.tsv of nlg-bias, data/regard")
    parser.add_argument("--sentiment", type=Path, help="holds hutto_ICWSM_2014/ and vaderSentiment/")
    options = parser.parse_args()
    if not (options.data / "bias_bold").exists():
        print(f"no data under {options.data}: nothing is measured")
        return 0
    emit(bench="bias", part="machine", **machine())
    parts = options.parts.split(",")
    embed, lexicon = cached_embed(options.cache), default_lexicon()
    tables = _measured(parts, options, embed, lexicon)
    if options.markdown is not None:
        write_tables(options.markdown, tables)
    return 0


def _measured(parts: Sequence[str], options: argparse.Namespace, embed: Embed, lexicon: GroupLexicon) -> list[Table]:
    tables: list[Table] = []
    if "lexicon" in parts:
        tables += measure_lexicon(options.data, lexicon)
    if "tone" in parts:
        tables += measure_tone(embed, lexicon, regard=options.regard, sentiment=options.sentiment)
    if {"silence", "power", "refusals", "pairs"} & set(parts):
        tables += _planted(parts, options, embed)
    if "own" in parts:
        tables += measure_own(options.data, embed, lexicon)
    if "heads" in parts:
        tables += measure_heads(options.data, embed, lexicon)
    if "bbq" in parts:
        tables += measure_bbq(options.data)
    if "weat" in parts:
        tables += measure_weat(embed)
    return tables


def _planted(parts: Sequence[str], options: argparse.Namespace, embed: Embed) -> list[Table]:
    tables: list[Table] = []
    answers = load_answers(options.data, embed)
    corpora = [load_bold(options.data, embed), answers]
    if "silence" in parts:
        tables += measure_silence(corpora, n_trials=options.trials)
    if "power" in parts:
        tables += measure_power(corpora, n_trials=max(20, options.trials // 3))
    if "refusals" in parts:
        tables += measure_refusals(answers, n_trials=max(20, options.trials // 3))
    if "pairs" in parts:
        tables += measure_pairs(answers, n_trials=options.trials)
    return tables


if __name__ == "__main__":
    sys.exit(main())
