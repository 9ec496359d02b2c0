/** @odoo-module **/

import { useSubEnv } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { nameService } from "@web/core/name_service";
import { RecordAutocomplete } from "@web/core/record_selectors/record_autocomplete";
import { registry } from "@web/core/registry";
import { patch } from "@web/core/utils/patch";
import { DomainField, domainField } from "@web/views/fields/domain/domain_field";

/**
 * Odoo's editor of conditions for who writes about documents that he may not read: they are not counted and none of
 * them is offered, which is said, and what he writes is good all the same.
 */
export class Conditions extends DomainField {
    static template = "reporting_workflows.Conditions";

    setup() {
        super.setup();
        useSubEnv({ isConditionOfReport: true });
    }

    async checkProps(props = this.props) {
        const model = this.getResModel(props);
        if (!model) {
            this.updateState({});
            return;
        }
        const domain = this.getEvaluatedDomain(props);
        if (domain.isInvalid) {
            this.updateState({ isValid: false, recordCount: 0 });
            return;
        }
        const found = await this.orm.call("distribution.report.readable", "count", [model, domain]);
        this.updateState({ isValid: found.is_valid, recordCount: found.count });
    }
}

registry.category("fields").add("distribution_conditions", { ...domainField, component: Conditions });

function isRefused(error) {
    return error.exceptionName === "odoo.exceptions.AccessError";
}

/** Odoo says of a record that is not there that it is missing, and waits for ever for one that may not be read. */
patch(nameService, {
    start(env, { orm }) {
        async function webSearchRead(...search) {
            try {
                return await orm.silent.webSearchRead(...search);
            } catch (error) {
                if (!isRefused(error)) {
                    throw error;
                }
                return { records: [] };
            }
        }
        return super.start(env, { orm: { silent: { webSearchRead } } });
    },
});

patch(RecordAutocomplete.prototype, {
    async loadOptionsSource(name) {
        try {
            return await super.loadOptionsSource(name);
        } catch (error) {
            if (!this.env.isConditionOfReport || !isRefused(error)) {
                throw error;
            }
            return [
                {
                    label: _t("You may not read these: take “contains” and a part of the name."),
                    unselectable: true,
                },
            ];
        }
    },
});
