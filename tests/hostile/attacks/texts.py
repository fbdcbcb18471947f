"""Texts that act where they are shown: in a terminal, a spreadsheet, a page, or by their length."""

from attack import HONEST, VARIANCE, Attack, attack, cell, dedented, notebook

ESCAPES = "\x1b[2J\x1b]0;owned\x07\x1b[1A\x9b31m\r\n\x08\x00\x7f"
BIDI = "\u202e\u2066right 5 of 5\u2069\u200b\ufeff\u2028\u2029"
MARKUP = "<script>alert(1)</script><img src=x onerror=alert(1)>](javascript:alert(1)) {{7*7}} ${7*7} | a | b |"
FORMULA = '=HYPERLINK("http://canary.example")'
SURROGATES = "\udfff\ud800"  # in the wrong order, so that they never make one


def asking(name, letter, **options):
    """Return an attack by the answer to a question."""

    def raw(_):
        return notebook(cell(dedented(HONEST[VARIANCE]), VARIANCE), cell(f"answer('02.why_the_root', {letter})"))

    return Attack(name, {}, {VARIANCE: 5, "02.why_the_root": 0}, raw=raw, **options)


ATTACKS = [
    *(
        attack(f"{what} in an exception's text", f"raise ValueError({text!r})")
        for what, text in (
            ("escapes", ESCAPES),
            ("turned writing", BIDI),
            ("markup", MARKUP),
            ("a formula", FORMULA),
            ("half characters", SURROGATES),
            ("lines like a report's", "\n  + 02.scaled_scores 5 of 5 right\n"),
        )
    ),
    *(
        attack(f"{what} in an exception's name", f"raise type({text!r}, (Exception,), {{}})")
        for what, text in (
            ("escapes", ESCAPES.replace("\0", "")),
            ("turned writing", BIDI),
            ("markup", MARKUP),
            ("a formula", FORMULA),
        )
    ),
    *(
        attack(f"{what} in the name of a result's type", f"return type({text!r}, (), {{}})()")
        for what, text in (
            ("escapes", ESCAPES.replace("\0", "")),
            ("turned writing", BIDI),
            ("markup", MARKUP),
            ("a formula", FORMULA),
        )
    ),
    *(
        attack(f"{what} in the failing line", f"return query @ {text!r}")
        for what, text in (("escapes", ESCAPES), ("turned writing", BIDI), ("markup", MARKUP), ("a formula", FORMULA))
    ),
    *(
        attack(f"{what} in the name of the file", "return 1 / 0", given=f"{text}.ipynb")
        for what, text in (
            ("escapes", ESCAPES),
            ("turned writing", BIDI),
            ("markup", MARKUP),
            ("a formula", FORMULA),
            ("half characters", SURROGATES),
            ("a path", "../../../etc/passwd"),
            ("four thousand letters", "x" * 4000),
        )
    ),
    *(
        asking(f"{what} as a letter", repr(text))
        for what, text in (
            ("escapes", ESCAPES),
            ("turned writing", BIDI),
            ("markup", MARKUP),
            ("a formula", FORMULA),
            ("half characters", SURROGATES),
            ("lines like a report's", "b\n  + right\n"),
        )
    ),
    asking("megabytes as a letter", "'" + "a" * 2 * 2**20 + "'"),
    asking("a huge number as a letter", "0x" + "f" * 100_000),
    asking("a thousand parentheses as a letter", "[" * 80 + "]" * 80),
    asking("a whole program as a letter", "(lambda: [open(SECRET).read()])()"),
    asking("a star as a letter", "*'b'"),
    asking("two letters", "'b', letter='c'"),
    asking("a formatted letter", "f'{chr(98)}'"),
    attack(
        "a name of a megabyte in the failing line", source="def scaled_scores(query, key):\n    return " + "x" * 2**20
    ),
    attack(
        "a syntax error with escapes", source="def scaled_scores(query, key):\n    return '\x1b[2J' '" + MARKUP + "' +"
    ),
    attack("a syntax error of a megabyte", source="def scaled_scores(query, key) " + "x " * 2**19),
    attack("a name in letters that look like others", source="def scaled_ѕcores(query, key):\n    return query"),
    attack(
        "a warning on every line",
        "import warnings\nfor number in range(20_000): warnings.warn(str(number), UserWarning, stacklevel=2)",
    ),
]
