/** @odoo-module **/

import { registry } from "@web/core/registry";
import { X2ManyField, x2ManyField } from "@web/views/fields/x2many/x2many_field";

/**
 * Lines that name other lines of the same form: what was entered so far is saved before one of them is opened, so that
 * what was just added can be picked. Where it cannot be saved, what is missing is shown instead.
 */
export class SavedOne2Many extends X2ManyField {
    async onAdd(params) {
        if (await this.isSaved()) {
            return super.onAdd(params);
        }
    }

    async openRecord(record) {
        const place = this.list.records.findIndex((one) => one.id === record.id);
        if (await this.isSaved()) {
            return super.openRecord(this.list.records[place]);
        }
    }

    async isSaved() {
        const { record } = this.props;
        return !(await record.isDirty()) || record.save();
    }
}

registry.category("fields").add("distribution_saved_one2many", {
    ...x2ManyField,
    component: SavedOne2Many,
    additionalClasses: ["o_field_one2many"],
});
