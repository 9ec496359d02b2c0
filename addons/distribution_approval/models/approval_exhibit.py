"""Evidence of a request: files sealed by their hash, and references to outside repositories."""

import hashlib
from urllib.parse import quote, urlsplit

from odoo import SUPERUSER_ID, _, api, fields, models, tools
from odoo.exceptions import AccessError, UserError, ValidationError

from odoo.addons.distribution_core.append_only import protect_append_only

from .approval_decision import APPROVING

SCHEMES = ("https", "http", "sftp", "s3")
MAX_URL = 2_000
MAX_NOTE = 2_000
#: Changing one of these changes what an attachment is.
CONTENT = frozenset({"raw", "datas", "db_datas", "store_fname", "checksum", "file_size", "url", "type"})
PLACE = frozenset({"res_model", "res_id", "res_field"})


class ApprovalExhibit(models.Model):
    """One piece of evidence as it was: appended, never changed.

    A file is read once and sealed by its SHA-256. A reference names a document elsewhere: its
    address, its hash, and what kind of repository keeps it.
    """

    _name = "distribution.approval.exhibit"
    _description = "Evidence of an Approval"
    _inherit = ["distribution.approval.evidence"]
    _log_access = False
    _order = "id"

    request_id = fields.Many2one("distribution.approval.request", required=True, ondelete="restrict", index=True)
    obligation_id = fields.Many2one("distribution.approval.obligation", ondelete="restrict", index="btree_not_null")
    emergency_id = fields.Many2one(
        "distribution.approval.emergency",
        string="Of the Emergency",
        ondelete="restrict",
        index="btree_not_null",
        help="Recorded for this emergency release, by who released.",
    )
    round = fields.Integer(required=True)
    kind = fields.Selection(
        [
            ("file", "File"),
            ("dms", "Document management"),
            ("contract", "Contract repository"),
            ("portal", "Portal of a business partner"),
            ("archive", "Archive"),
            ("other", "Other repository"),
        ],
        required=True,
    )
    name = fields.Char(required=True)
    attachment_ref = fields.Integer(index=True, help="Id of the attachment; a plain number, it outlives the file.")
    mimetype = fields.Char()
    size = fields.Integer(string="Size (bytes)")
    url = fields.Char(string="Address")
    sha256 = fields.Char(string="SHA-256", required=True)
    note = fields.Text()
    user_id = fields.Many2one("res.users", string="Recorded by", required=True, ondelete="restrict")
    recorded_at = fields.Datetime(required=True)
    intact = fields.Selection(
        [("yes", "As recorded"), ("changed", "Changed"), ("gone", "Gone"), ("outside", "Kept outside")],
        compute="_compute_intact",
        compute_sudo=True,
        string="Now",
    )

    def init(self):
        protect_append_only(self.env.cr, self._table)

    def _compute_intact(self):
        for exhibit in self:
            exhibit.intact = exhibit._state_of_file() if exhibit.kind == "file" else "outside"

    def _state_of_file(self):
        """Whether the file is what was sealed: reads and hashes it."""
        attachment = self.env["ir.attachment"].sudo().browse(self.attachment_ref).exists()
        if not attachment:
            return "gone"
        return "yes" if sha256_of(attachment) == self.sha256 else "changed"

    def write(self, vals):
        raise UserError(_("Evidence cannot be changed. Add what is missing."))

    def unlink(self):
        raise UserError(_("Evidence cannot be deleted."))

    @api.model
    def _seal(self, request, attachments, obligation=None, emergency=None):
        """Append a row for each file that is not sealed for this request as it is now."""
        # A file that lies in a field only belongs to its document from now on: who reads that reads the file.
        attachments.filtered(lambda file: not file.res_id).write(
            {"res_model": request.res_model, "res_id": request.res_id}
        )
        known = {exhibit.attachment_ref: exhibit.sha256 for exhibit in request.exhibit_ids.sorted("id")}
        document = request._document()
        rows = []
        for attachment in attachments:
            digest = sha256_of(attachment)
            if known.get(attachment.id) != digest:
                rows.append(
                    {
                        "request_id": request.id,
                        "obligation_id": obligation.id if obligation else False,
                        "emergency_id": emergency.id if emergency else False,
                        "round": request.round,
                        "kind": "file",
                        "name": document._approval_evidence_name(attachment),
                        "attachment_ref": attachment.id,
                        "mimetype": attachment.mimetype,
                        "size": attachment.file_size,
                        "sha256": digest,
                        "user_id": self.env.uid,
                        "recorded_at": fields.Datetime.now(),
                    }
                )
        return self.sudo().create(rows)._announce()

    def _announce(self):
        for exhibit in self:
            exhibit.request_id._event(
                "evidence_recorded",
                {"evidence_id": exhibit.id, "kind": exhibit.kind, "sha256": exhibit.sha256, "round": exhibit.round},
            )
        self.request_id.invalidate_recordset(["exhibit_ids"])
        return self

    def action_open(self):
        """Open the file, or the address outside."""
        self.ensure_one()
        file = f"/web/content/{self.attachment_ref}?download=true&filename={quote(self.name)}"
        url = file if self.kind == "file" else self.url
        return {"type": "ir.actions.act_url", "url": url, "target": "new"}


def sha256_of(attachment):
    """SHA-256 of the content of a file, hexadecimal."""
    # The web client reads with ``bin_size``: there "raw" would be the size of the file, in words.
    return hashlib.sha256(attachment.with_context(bin_size=False, bin_size_raw=False).raw or b"").hexdigest()


class ApprovalRule(models.Model):
    _inherit = "distribution.approval.rule"

    evidence_required = fields.Boolean(
        help="Nobody is asked before evidence is attached to the document, and nobody approves without it."
    )
    evidence_text = fields.Char(
        string="Which Evidence", translate=False, help="Said to the requester, for example “three quotes”."
    )

    def _frozen_columns(self):
        return (*super()._frozen_columns(), "evidence_required", "evidence_text")

    def _demands(self):
        demands = super()._demands()
        return {**demands, "evidence": self.evidence_text or ""} if self.evidence_required else demands


class ApprovalMixin(models.AbstractModel):
    _inherit = "distribution.approval.mixin"

    #: Fields that take the files which prove the document, beside what is attached to its form.
    _approval_evidence_fields = ()

    def _approval_evidence_places(self):
        """The records to which people attach what proves this document."""
        self.ensure_one()
        return [self, self._approval_form()]

    def _approval_evidence_holders(self):
        """``[(record, field)]``: the fields in which files prove this document."""
        self.ensure_one()
        return [(self, name) for name in self._approval_evidence_fields]

    def _approval_evidence_in_fields(self):
        """The files in these fields: uploaded there, and no evidence of another document that was released.

        A file of another record does not become evidence by its id.
        """
        self.ensure_one()
        files = self.env["ir.attachment"]
        own = {(record._name, record.id) for record in self._approval_evidence_places()}
        for record, name in self._approval_evidence_holders():
            own.add((record._name, record.id))
            files |= record[name]
        files = files.filtered(lambda file: not file.res_id or (file.res_model, file.res_id) in own)
        if not files:
            return files
        elsewhere = self.env["distribution.approval.exhibit"].search(
            [
                ("attachment_ref", "in", files.ids),
                ("request_id.state", "=", "approved"),
                "|",
                ("request_id.res_model", "!=", self._name),
                ("request_id.res_id", "!=", self.id),
            ]
        )
        return files - files.browse(elsewhere.mapped("attachment_ref"))

    @api.model
    def _approval_evidence_name(self, file):
        """What ``file`` is called among the evidence."""
        return file.name

    def _approval_evidence_place_words(self):
        """Where evidence is put, in words: completes “Attach it to”."""
        self.ensure_one()
        if not self._approval_evidence_fields:
            return self._approval_name()
        field = self._fields[self._approval_evidence_fields[0]]
        return _(
            "%(document)s, field “%(field)s”",
            document=self._approval_name(),
            field=field._description_string(self.env),
        )

    @api.model
    def _approval_proven_by(self, attachments):
        """The documents in their guarded state that have one of ``attachments`` in a field for evidence."""
        names = self._approval_evidence_fields
        if not names:
            return self.browse()
        domain = ["|"] * (len(names) - 1) + [(name, "in", attachments.ids) for name in names]
        # sudo: whoever changes a file need not see what it proves; archived documents count as well
        documents = self.sudo().with_context(active_test=False).search(domain)
        return documents.filtered(lambda document: document._approval_is_guarded())


class ApprovalRequest(models.Model):
    _inherit = "distribution.approval.request"

    exhibit_ids = fields.One2many("distribution.approval.exhibit", "request_id", readonly=True, string="Evidence")
    exhibit_count = fields.Integer(compute="_compute_exhibit_count", string="Pieces of Evidence")

    @api.depends("exhibit_ids")
    def _compute_exhibit_count(self):
        for request in self:
            request.exhibit_count = len(request.exhibit_ids)

    # --------------------------------------------------------------- demands

    def _evidence_files(self):
        """Files that hold something: on the document, its form or the request, or in a field for evidence."""
        self.ensure_one()
        document = self._document().exists()
        places = {(self._name, self.id), (self.res_model, self.res_id)}
        if document:
            places |= {(record._name, record.id) for record in document._approval_evidence_places()}
        on_records = ["&", ("res_field", "=", False), *["|"] * (len(places) - 1)]
        for res_model, res_id in sorted(places):
            on_records += ["&", ("res_model", "=", res_model), ("res_id", "=", res_id)]
        in_fields = document._approval_evidence_in_fields() if document else self.env["ir.attachment"]
        return (
            self.env["ir.attachment"]
            .sudo()
            .search(
                [("type", "=", "binary"), ("file_size", ">", 0), "|", ("id", "in", in_fields.ids), *on_records],
                order="id",
            )
        )

    def _evidence_rules(self, rule_ids):
        return self.env["distribution.approval.rule"].sudo().browse(rule_ids).exists().filtered("evidence_required")

    def _evidence_gap(self, rule_ids):
        """What evidence is missing under these rules, in words for the requester, or an empty text."""
        self.ensure_one()
        rules = self._evidence_rules(rule_ids)
        if not rules or self._evidence_files() or self.exhibit_ids.filtered(lambda exhibit: exhibit.kind != "file"):
            return ""
        wanted = "; ".join(dict.fromkeys(rule.evidence_text or rule.name for rule in rules))
        return _(
            "Evidence is missing: %(wanted)s. Attach it to %(document)s, or record where it is kept with "
            "“Add Evidence” on the request, and ask again.",
            wanted=wanted,
            document=self._document()._approval_evidence_place_words(),
        )

    def _judged_evidence_gap(self, judgement):
        """What keeps a request from being asked, though policy has found its approvers."""
        if judgement.verdict.outcome != "require":
            return ""
        return self._evidence_gap([int(rule.key) for rule in judgement.verdict.matched])

    def _open_tasks(self, judgement, values, trial=None):
        """Nobody is asked before the evidence that a rule demands is there."""
        gap = self._judged_evidence_gap(judgement)
        if gap:
            self._cancel_tasks()
            self._move("on_hold", {**values, "reason": gap})
            return
        super()._open_tasks(judgement, values, trial)
        self.env["distribution.approval.exhibit"]._seal(self, self._evidence_files())

    def _check_evidence(self):
        """Before somebody approves: the evidence that a rule demands is there, and is what was recorded."""
        self.ensure_one()
        rule_ids = self.task_ids[:1]._rule_ids() if self.task_ids else []
        gap = self._evidence_gap(rule_ids)
        if gap:
            raise UserError(gap)
        if not self._evidence_rules(rule_ids):
            return
        for exhibit in self.exhibit_ids.filtered(lambda exhibit: exhibit.kind == "file"):
            state = exhibit._state_of_file()
            if state != "yes":
                raise UserError(
                    _(
                        "The evidence “%(name)s” is not what was recorded on %(day)s. Reject, or request a revision, "
                        "and have operations look into it.",
                        name=exhibit.name,
                        day=exhibit.recorded_at,
                    )
                )

    # ---------------------------------------------------------------- adding

    def action_add_evidence(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": _("Add Evidence"),
            "res_model": "distribution.approval.exhibit.add",
            "view_mode": "form",
            "target": "new",
            "context": {"default_request_id": self.id},
        }

    def action_add_reference(self, name, url, sha256, kind="dms", note=None):
        """Record that evidence is kept elsewhere.

        :param name: what it is, for people
        :param url: its address (https, http, sftp or s3)
        :param sha256: SHA-256 of its content, 64 hexadecimal digits
        :param kind: ``dms``, ``contract``, ``portal``, ``archive`` or ``other``
        :return: id of the record
        """
        self.ensure_one()
        request = self._evidence_of_person()
        exhibit = request._record_reference(**self._checked_reference(name, url, sha256, kind, note))
        request._evidence_came()
        return exhibit.id

    @api.model
    def _checked_reference(self, name, url, sha256, kind="dms", note=None):
        """These values of a reference, checked, as fields of an exhibit."""
        text = self.env["distribution.approval.task"]._text
        name, url, note = text("name", name), text("url", url), text("note", note)
        sha256 = text("sha256", sha256).lower()
        if not name or len(name) > 200:
            raise ValidationError(_("name: say in at most 200 characters what it is."))
        try:
            parts = urlsplit(url)
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in SCHEMES or not parts.netloc or len(url) > MAX_URL or any(c.isspace() for c in url):
            raise ValidationError(_("url: an address such as https://dms.example.com/contracts/4711 is expected."))
        if parts.username or parts.password:
            raise ValidationError(_("url: leave user name and password out of the address."))
        if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
            raise ValidationError(_("sha256: 64 hexadecimal digits are expected."))
        kinds = dict(self.env["distribution.approval.exhibit"]._fields["kind"].selection)
        if not isinstance(kind, str) or kind not in kinds or kind == "file":
            raise ValidationError(_("kind: “%s” is no kind of repository.", kind))
        if len(note) > MAX_NOTE:
            raise ValidationError(_("note: write at most %s characters.", MAX_NOTE))
        return {"kind": kind, "name": name, "url": url, "sha256": sha256, "note": note or False}

    def _record_reference(self, emergency=None, **reference):
        """Append a reference that was checked, recorded by the present user."""
        # sudo: nobody writes evidence; the methods that call this check who adds it
        exhibits = self.env["distribution.approval.exhibit"].sudo()
        return exhibits.create(
            {
                **reference,
                "request_id": self.id,
                "emergency_id": emergency.id if emergency else False,
                "round": self.round,
                "user_id": self.env.uid,
                "recorded_at": fields.Datetime.now(),
            }
        )._announce()

    def _evidence_of_person(self):
        """This request for the engine, when the real user may add evidence to it."""
        user = self.env.user
        if self.env.uid == SUPERUSER_ID or user._is_superuser() or user.share:
            raise AccessError(_("This takes a person, logged in as themselves."))
        request = self.sudo()
        operations = user.has_group("distribution_core.group_operations") and request.company_id in user.company_ids
        if not operations and user not in request.participant_ids | request._askers():
            raise AccessError(_("%s, whoever is asked, or operations can add evidence.", request.requester_id.name))
        return request

    def _evidence_came(self):
        """What was only held for want of evidence goes on, when the requester brings it."""
        if self.state == "on_hold" and self.env.user in self._askers():
            self._judge_hold_again()


class ApprovalTask(models.Model):
    _inherit = "distribution.approval.task"

    exhibit_ids = fields.One2many(related="request_id.exhibit_ids", string="Evidence")

    def _note_decision(self, decision, conditions):
        super()._note_decision(decision, conditions)
        request = self.request_id
        if decision.outcome in APPROVING:
            request._check_evidence()
        # What is attached at this moment is what the approver could see.
        self.env["distribution.approval.exhibit"]._seal(request, request._evidence_files())


class ApprovalObligation(models.Model):
    _inherit = "distribution.approval.obligation"

    exhibit_ids = fields.One2many("distribution.approval.exhibit", "obligation_id", readonly=True, string="Evidence")


class IrAttachment(models.Model):
    """Files that are evidence stay, and stay what they are."""

    _inherit = "ir.attachment"

    def _approval_sealed(self):
        """Those of ``self`` that are evidence: of a request, or of a document in its guarded state."""
        # The table is gone while this addon is being uninstalled.
        if not self.ids or not tools.sql.table_exists(self.env.cr, "distribution_approval_exhibit"):
            return self.browse()
        self.env["distribution.approval.exhibit"].flush_model(["attachment_ref"])
        self.env.cr.execute(
            "SELECT DISTINCT attachment_ref FROM distribution_approval_exhibit WHERE attachment_ref = ANY(%s)",
            (self.ids,),
        )
        sealed = self.browse(attachment_id for (attachment_id,) in self.env.cr.fetchall())
        rest = self - sealed
        return sealed.union(*(document[name] & rest for document, name in rest._approval_in_fields()))

    def _approval_in_fields(self):
        """``[(document in its guarded state, its field)]`` that these files are in, to prove it."""
        return [
            (document, name)
            for model in (self.env[name] for name in self._approval_proven_models() if self)
            for document in model._approval_proven_by(self)
            for name in model._approval_evidence_fields
        ]

    @api.model
    @tools.ormcache()
    def _approval_proven_models(self):
        """Names of the documents that have fields for evidence."""
        return tuple(
            sorted(
                name
                for name, model in self.env.registry.items()
                if getattr(model, "_approval_evidence_fields", ()) and not model._abstract
            )
        )

    def _approval_check_uploaded(self, wizard):
        """Raise unless the present user uploaded all of these in a dialog of the model ``wizard``.

        No file of another record – least of all evidence of another request – becomes evidence by its id.
        """
        if any(
            file.create_uid != self.env.user or file.res_model not in (False, wizard) or file.res_id
            for file in self.sudo()
        ):
            raise UserError(_("Upload the file here: one of another record cannot be taken."))

    def write(self, vals):
        if CONTENT & vals.keys() and self._approval_sealed():
            raise UserError(_("This file is evidence of an approval. Attach another one instead of changing it."))
        if PLACE & vals.keys() and not self.env.su and self._approval_sealed():
            raise UserError(_("This file is evidence of an approval and stays where it is."))
        return super().write(vals)

    def unlink(self):
        sealed = self._approval_sealed()
        if not sealed:
            return super().unlink()
        if not self.env.su:
            raise UserError(_("“%s” is evidence of an approval and cannot be deleted.", sealed[0].name))
        # The document itself is deleted, or a program tidies up; what lies in a field stays there with its record.
        sealed.filtered(
            lambda file: not file.res_field or not self.env[file.res_model].browse(file.res_id).exists()
        )._approval_bring_home()
        return super(IrAttachment, self - sealed).unlink()

    def _approval_bring_home(self):
        """Move files that are evidence to their request, or to what they prove; out of the field that they were in."""
        exhibits = self.env["distribution.approval.exhibit"].search([("attachment_ref", "in", self.ids)])
        proven = self._approval_in_fields()
        for attachment in self:
            home = exhibits.filtered(lambda exhibit, ref=attachment.id: exhibit.attachment_ref == ref)[:1].request_id
            home = home or next(document for document, name in proven if attachment in document[name])
            attachment.write({"res_model": home._name, "res_id": home.id, "res_field": False})
