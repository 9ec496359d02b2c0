"""Money in a report: in the currency of its company, whatever the documents are in.

Rules, in words
---------------
* An amount in another currency is converted at the rate of its document's day. So it may be printed, added up, compared
  and judged.
* Grouped amounts are added up by the database: in several currencies that is no amount, and the dataset is refused.
* Without a rate of that day, or without a day, there is no amount: the dataset is refused. Odoo would convert at 1.
* Who shows amounts as plain numbers, as they are, does not add them up, reconcile or judge them.
"""

from odoo import _, api, models
from odoo.exceptions import UserError

from .report_builder import is_foreign
from .report_part import words

#: Where the day of an amount is found: the first that the model has and that is filled.
DAYS = ("invoice_date", "date_order", "order_id.date_order", "date", "create_date")
#: Aggregates that are an amount again.
AMOUNTS = ("sum", "avg", "min", "max")


class ReportBuilder(models.AbstractModel):
    _inherit = "distribution.report.builder"

    def _converted(self, scope, owners, name):
        """``[amount in company currency or None]`` of a monetary field of records, each one's own or an empty one.

        A query for each currency and day in which there is a foreign amount.

        :raises UserError: there is no rate, or no day to convert at
        """
        own, rates, found = scope.company.currency_id, {}, []
        model = scope.env[owners[0]._name] if owners else None
        for record in owners:
            amount = record[name] if record else None
            # sudo: the currency and the day of an amount that the reader may read
            paper = record.sudo()
            currency = paper[paper._fields[name].get_currency_field(model)] if record else own
            if amount and currency and currency != own:
                key = currency, self._day_of_amount(scope, paper)
                if key not in rates:
                    rates[key] = self._rate(scope, *key)
                amount = own.round(amount * rates[key])
            found.append(amount)
        return found

    def _day_of_amount(self, scope, paper):
        for path in DAYS:
            *way, last = path.split(".")
            record = paper
            for step in way:
                record = record[step] if step in record._fields else record.browse()
            day = record[last] if last in record._fields else False
            if day:
                return scope.company._day_of(day) if hasattr(day, "hour") else day
        raise UserError(
            _("%s: it is not known at which day its amount is converted. Leave its amounts out.", paper.display_name)
        )

    def _rate(self, scope, currency, day):
        """What one unit of ``currency`` was worth on a day, in the currency of the company."""
        company = scope.company
        # sudo: rates are no secret
        known = currency.sudo().rate_ids.filtered(
            lambda rate: rate.name <= day and rate.company_id in (company.root_id, rate.company_id.browse())
        )
        if not known:
            raise UserError(
                _(
                    "Currencies: there is no rate of %(currency)s for %(day)s. Enter one.",
                    currency=currency.name,
                    day=day,
                )
            )
        return currency.sudo()._convert(1.0, company.currency_id, company, day, round=False)

    def _check_grouped_money(self, scope, model, domain, dataset):
        """:raises UserError: amounts of several currencies would be added up"""
        for entry in dataset.get("columns", ()):
            path = entry["path"]
            if path in words(dataset.get("group_by") or "") or (entry.get("aggregate") or "sum") not in AMOUNTS:
                continue
            field = model._fields.get(path)
            if not is_foreign(model, field):
                continue
            name = field.get_currency_field(model)
            if not model._fields[name].store:
                raise UserError(_("%s: it is not known in which currencies its amounts are. Take it out.", path))
            currencies = [currency for (currency,) in model._read_group(domain, [name], []) if currency]
            if any(currency != scope.company.currency_id for currency in currencies):
                raise UserError(
                    _(
                        "%(path)s: amounts in %(currencies)s are not added up. Take a field in company currency, or do "
                        "not group: single amounts are converted.",
                        path=path,
                        currencies=", ".join(sorted(currency.name for currency in currencies)),
                    )
                )

    def _money_problems(self, definition):
        """What would add up, reconcile or judge plain numbers that are amounts in many currencies."""
        found, plain = [], {}
        for dataset in definition.get("datasets", ()):
            for entry in dataset.get("columns", ()):
                is_plain = entry.get("kind") and entry["kind"] != "money"
                if not is_plain or not self._is_foreign_path(dataset["model"], entry["path"]):
                    continue
                plain.setdefault(dataset["code"], set()).add(entry["path"])
                if entry.get("total") == "yes":
                    found.append(("datasets", dataset["code"], entry["path"]))
        for entry in definition.get("checks", ()):
            pairs = [(entry["dataset"], one) for one in words(entry.get("columns"))]
            pairs.append((entry.get("other_dataset") or entry["dataset"], entry.get("other_column")))
            if entry["kind"] == "reconcile":
                found += [("checks", entry["code"], one) for code, one in pairs if one in plain.get(code, ())]
        for entry in definition.get("thresholds", ()):
            if entry.get("column") in plain.get(entry.get("dataset"), ()) and entry.get("measure") != "count":
                found.append(("thresholds", entry["code"], entry["column"]))
        return [self._plain_money(*one) for one in found]

    @api.model
    def _plain_money(self, place, code, column):
        what = _(
            "“%s” is in the currency of each document, and shown as a plain number. Leave its kind empty: it is "
            "converted then.",
            column,
        )
        return self._part_name(place, code, what)

    def _is_foreign_path(self, model, path):
        """Whether a column is an amount in the currency of its document. What is wrong with it is told elsewhere."""
        model = self.env.get(model)
        *way, last = path.partition(":")[0].split(".")
        for name in way:
            field = model._fields.get(name) if model is not None else None
            model = self.env.get(field.comodel_name) if field is not None and field.relational else None
        return model is not None and is_foreign(model, model._fields.get(last))
