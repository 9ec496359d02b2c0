"""The renderer's own words, in English; what a report says itself comes with its content.

They are marked for translation here and translated by whoever starts a drawing (who knows the languages that are
installed), so that the drawing needs no Odoo. A word without a translation is written in English.

>>> Words({"Period": "Zeitraum"})("Period")
'Zeitraum'
>>> Words()("Page {page} of {pages}", page=2, pages=9)
'Page 2 of 9'
>>> Words({"Page {page} of {pages}": "Seite {seite}"})("Page {page} of {pages}", page=2, pages=9)  # a slip
'Page 2 of 9'
"""


def _(source: str) -> str:
    """Marks a word for translation."""
    return source


#: Every word that is written around a report's content.
SOURCES = (
    _("About this report"),
    _("Amount"),
    _("As of"),
    _("Before: {value}"),
    _("Breach"),
    _("Breaches: {number}"),
    _("Chart data"),
    _("Check"),
    _("Checks"),
    _("Classification"),
    _("Code"),
    _("Column"),
    _("Comparison"),
    _("Corrects edition {number}"),
    _("Replaces edition {number}"),
    _("Cover"),
    _("Currency"),
    _("Date"),
    _("Definition"),
    _("Detail"),
    _("Digest of the content"),
    _("Document"),
    _("Edition"),
    _("Edition {number}"),
    _("Failed"),
    _("Figure"),
    _("Figures"),
    _("Figures as of"),
    _("Findings"),
    _("Fresh"),
    _("How the figures are defined"),
    _("Input"),
    _("Inputs"),
    _("Kind"),
    _("Label"),
    _("Limit"),
    _("Name"),
    _("Never received"),
    _("No findings: every threshold was kept and every check passed."),
    _("No value"),
    _("Not released"),
    _("Note"),
    _("Nothing to show for this period."),
    _("On target"),
    _("Owner"),
    _("Page {page} of {pages}"),
    _("Parameters"),
    _("Passed"),
    _("Period"),
    _("Question"),
    _("Records"),
    _("Released"),
    _("Report"),
    _("Role"),
    _("Section"),
    _("Severity"),
    _("Sheet"),
    _("Sign-off"),
    _("Signature"),
    _("Signed by"),
    _("Stale"),
    _("Status"),
    _("Target"),
    _("Target: {value}"),
    _("Times are those of {zone}."),
    _("Total"),
    _("Value"),
    _("Value before"),
    _("Version"),
    _("Version {number}"),
    _("Warning"),
    _("Warnings: {number}"),
    _("better"),
    _("confidential"),
    _("days"),
    _("hours"),
    _("internal"),
    _("no change"),
    _("no comparison"),
    _("points"),
    _("public"),
    _("restricted"),
    _("worse"),
    _("{count} more lines are not printed here; they are in the spreadsheet and in the CSV files of this edition."),
    _("{count} more lines were left out when the report was computed."),
    _("{good} of {all} fresh"),
    _("{good} of {all} passed"),
    # What checks, limits and thresholds say.
    _("Let go: {reason}"),
    _("Only {count} rows of {dataset} were read: narrow it down, or check a grouped dataset."),
    _("Released with {what}: {names}"),
    _("Shortened because of {what}: {names}"),
    _("failed checks"),
    _("stale inputs"),
    _("the sums agree, {count} rows do not: {names}"),
    _("{columns} more than once: {names}"),
    _("{column} cannot be compared with “{value}”: write a number like 1000.50"),
    _("{count} more rows like these"),
    _("{count} of {all} rows without {column}: {names}"),
    _("{count} rows with {column} {operator} {value}: {names}"),
    _("{count} rows, at least {limit} expected"),
    _("{count} rows, at most {limit} expected"),
    _("{count} values of {column} are no numbers: {names}"),
    _("{count} values of {column} outside {low}…{high}: {names}"),
    _("{hours} h"),
    _("{hours} working h"),
    _("{figure} has no value."),
    _("{figure} says {one}, the table {other}: {difference} apart, at most {limit} allowed"),
    _("{one} against {other}: {difference} apart, at most {limit} allowed"),
    _("{value}, at least {limit}"),
    _("{value}, at most {limit}"),
    # What is wrong with a definition.
    _("add it to a section of this report: “{name}” is in none."),
    _("a check of kind {kind} looks at one column; make a check for each."),
    _("comes after the breach; exchange the limits or the direction."),
    _("give a limit for a warning, for a breach, or both."),
    _("give a minimum, a maximum or both."),
    _("is 0 or more."),
    _("is above the maximum; exchange them."),
    _("name at least one column."),
    _("“{name}” is no column of {dataset}; it has {known}."),
    _("“{name}” is none of {known}."),
    _("nothing"),
    _("Day of the Month: use 1 to 31."),
    _("Due Every: “{text}” is none of {known}."),
    _("Late and stale: hours are 0 or more."),
    _("Late after: has to come before it is stale; make it smaller."),
    _("On Days without Work: “{text}” is none of {known}."),
    _("Weekday: use 0 (Monday) to 6 (Sunday)."),
    # What is wrong with the file of a definition.
    _("This is not YAML: {error}"),
    _("This is not a report's definition: it has to begin with “format: {format}”."),
    _("This is nested too deeply to be a report."),
    _("line {line}: a key has to be a word."),
    _("line {line}: anchors and aliases are not allowed; write it out."),
    _("line {line}: tags are not allowed; remove it."),
    _("line {line}: “{key}” is there twice; remove one."),
    _("the file: “report” is missing; say at least its code and name."),
    _("{place}: a list is expected here."),
    _("{place}: a single value is expected here."),
    _("{place}: “key: value” lines are expected here."),
    _("{place}: “{key}” is missing."),
    _("{place}: “{key}” is there twice; give it another code."),
    _("{place}: “{key}” is unknown. Known are {known}."),
    # What a version changes.
    _("{place}: added"),
    _("{place}: removed"),
)

#: How a status, a severity, the state of an input or of a check is called.
STATUS_NAMES = {
    "ok": "On target",
    "warn": "Warning",
    "breach": "Breach",
    "unknown": "No value",
    "info": "Note",
    "fresh": "Fresh",
    "stale": "Stale",
    "passed": "Passed",
    "failed": "Failed",
    "none": "",
}
#: What each of them looks like: the same four shapes for all.
SHAPES = {
    "ok": "ok",
    "fresh": "ok",
    "passed": "ok",
    "warn": "warn",
    "breach": "breach",
    "stale": "breach",
    "failed": "breach",
    "unknown": "unknown",
    "info": "unknown",
}


class Words:
    """The words in one language; :param translations: English → that language."""

    def __init__(self, translations: dict[str, str] | None = None):
        self.translations = translations or {}

    def __call__(self, source: str, **values) -> str:
        """`source` in the language, its {names} filled in; in English where the translation has a slip."""
        for text in (self.translations.get(source) or source, source):
            try:
                return text.format(**values) if values else text
            except (KeyError, IndexError, ValueError):
                continue
        return source

    def replaced(self, edition) -> str:
        """Of which edition this one takes the place; nothing where of none."""
        if edition.corrects:
            return self("Corrects edition {number}", number=edition.corrects)
        return self("Replaces edition {number}", number=edition.replaces) if edition.replaces else ""

    def status(self, status: str) -> str:
        name = STATUS_NAMES.get(status, status)
        return self(name) if name else ""


#: As it is written here.
ENGLISH = Words()


class Complaint(ValueError):
    """Something is wrong, in words that can be said in any language.

    >>> Complaint("{place}: a list is expected here.", place="datasets").said(Words())
    'datasets: a list is expected here.'
    """

    def __init__(self, source: str, **values):
        super().__init__(ENGLISH(source, **values))
        self.source, self.values = source, values

    def said(self, say: Words) -> str:
        return say(self.source, **self.values)
