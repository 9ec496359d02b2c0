"""The library: reports that come along as definition files, made drafts of a company's own at the press of a button.

Rules, in words
---------------
* A report of the library is a file of ``library/``, in the format of any other definition.
* Installing makes a draft of each that the company does not have yet; what it has, whatever became of it, is left.
* A draft is one like any other: somebody who did not install it reads it and puts it in force.
"""

from pathlib import Path

from odoo import _, api, fields, models
from odoo.exceptions import UserError

FOLDER = Path(__file__).parent.parent / "library"


class ReportLibrary(models.TransientModel):
    _name = "distribution.report.library"
    _description = "Install the Library of Reports"

    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    owner_id = fields.Many2one(
        "res.users",
        required=True,
        default=lambda self: self.env.user,
        domain="[('share', '=', False)]",
        help="Answers for these reports until somebody else is named for one of them.",
    )
    backup_owner_id = fields.Many2one("res.users", domain="[('share', '=', False)]", help="When the owner is away.")
    reader_id = fields.Many2one(
        "res.users",
        "Read as",
        required=True,
        domain="[('share', '=', False)]",
        help="With whose rights the numbers are read. The library reads sales, purchases, stock, bills, approvals, "
        "cases and messages: an auditor may.",
    )
    missing = fields.Integer("To Install", compute="_compute_missing")
    present = fields.Integer("There Already", compute="_compute_missing")

    @api.model
    def _files(self):
        """``{code: text}`` of the definitions, in the order of their codes."""
        return {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.yaml"))}

    @api.depends("company_id")
    def _compute_missing(self):
        for wizard in self:
            missing = wizard._missing()
            wizard.missing, wizard.present = len(missing), len(self._files()) - len(missing)

    def _missing(self):
        """``{code: text}`` of those that the company does not have."""
        files = self._files()
        # sudo: what exists is left, also what the user does not see
        known = (
            self.env["distribution.report"]
            .sudo()
            .with_context(active_test=False)
            .search([("company_id", "=", self.company_id.id), ("code", "in", list(files))])
        )
        return {code: text for code, text in files.items() if code not in known.mapped("code")}

    def _check_reader(self):
        # sudo: who works elsewhere is refused by name, though the user may not read them
        reader = self.reader_id.sudo()
        if reader.has_group("base.group_system"):
            raise UserError(
                _(
                    "Read as: %s administers Odoo and sees everything. Name somebody with the rights it takes.",
                    reader.name,
                )
            )
        if self.company_id not in reader.company_ids:
            raise UserError(
                _(
                    "Read as: %(who)s does not work in %(company)s.",
                    who=reader.name,
                    company=self.company_id.name,
                )
            )

    def _install(self):
        """Drafts of what is missing. Returns the new versions."""
        self.ensure_one()
        self._check_reader()
        versions = self.env["distribution.report.version"]
        for text in self._missing().values():
            version = versions._import_yaml(text, self.company_id)
            version.report_id.write({"owner_id": self.owner_id.id, "backup_owner_id": self.backup_owner_id.id})
            version.write({"reader_id": self.reader_id.id, "change_summary": _("From the library.")})
            versions |= version
        return versions

    def action_install(self):
        """Install, and list what is to be published."""
        versions = self._install()
        return {
            "type": "ir.actions.act_window",
            "name": _("Installed: %s Reports", len(versions)),
            "res_model": versions._name,
            "view_mode": "tree,form",
            "domain": [("id", "in", versions.ids)],
        }
