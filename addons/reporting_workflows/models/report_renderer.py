from odoo import api, models
from odoo.tools.translate import code_translations

from ..engine import FORMATS, render_apart
from ..engine.content import Content
from ..engine.render_process import MEGABYTES, SECONDS
from ..engine.render_values import Writer
from ..engine.render_words import SOURCES, Words


class ReportRenderer(models.AbstractModel):
    """Draws released contents.

    The drawing is done by another process with limits of its own (see `engine/render_process.py`): a renderer that
    hangs, crashes or eats memory fails one step of one run. It reads no records: what it draws is the content.
    """

    _name = "distribution.report.renderer"
    _description = "Drawing of reports"

    @api.model
    def _render(self, content_json, edition_json, formats=FORMATS):
        """``{format: bytes}`` for `formats`: ``pdf``, ``xlsx``, ``csv`` (an archive where it is several tables).

        :param str content_json: of ``Content.to_json()``
        :param str edition_json: of ``Edition.to_json()``
        :raises RenderError: a plain exception whose text says why, for people
        """
        seconds, megabytes = self._limits()
        words = self._words(Content.from_json(content_json).language)
        return render_apart(content_json, edition_json, tuple(formats), words, seconds=seconds, megabytes=megabytes)

    @api.model
    def _limits(self):
        """Seconds and megabytes that one drawing may take, from the settings."""
        # What the settings say is no secret of the user who runs a report.
        parameter = self.env["ir.config_parameter"].sudo().get_param
        return (
            _positive(parameter("reporting_workflows.render_seconds"), SECONDS),
            _positive(parameter("reporting_workflows.render_megabytes"), MEGABYTES),
        )

    @api.model
    def _writer_of(self, content):
        """Writes the values of a content as its files do."""
        return Writer.of(content, Words(self._words(content.language)))

    @api.model
    def _html(self, content):
        """A content on a page of ours."""
        return self.env["ir.qweb"]._render(
            "reporting_workflows.report_content", {"content": content, "show": self._writer_of(content)}
        )

    @api.model
    def _writer(self, company):
        """Writes numbers and moments of a company for who looks at a screen."""
        language = self.env.lang or "en_US"
        return Writer(
            language,
            self.env.user.tz or company._approval_time_zone(),
            company.currency_id.name,
            company.currency_id.decimal_places,
            self._say(),
        )

    @api.model
    def _say(self):
        """Writes the engine's own words in the language of who looks at a screen."""
        return Words(self._words(self.env.lang or "en_US"))

    @api.model
    def _words(self, language):
        """The renderer's own words in `language`; those without a translation are missing."""
        translated = code_translations.get_python_translations("reporting_workflows", language)
        return {source: translated[source] for source in SOURCES if translated.get(source)}


def _positive(said, otherwise):
    """The whole number that a setting says; `otherwise` where it says none above zero."""
    try:
        return max(0, int(said)) or otherwise
    except (TypeError, ValueError):
        return otherwise
