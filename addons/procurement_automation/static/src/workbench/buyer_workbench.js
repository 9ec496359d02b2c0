/** @odoo-module **/

import { Component, onWillStart, useRef, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { ConfirmationDialog } from "@web/core/confirmation_dialog/confirmation_dialog";
import { ControlPanel } from "@web/search/control_panel/control_panel";

/** What the person chose last; coming back from a document shows the same. */
const chosen = { scope: "mine", section: false };

/** What needs a buyer, most harmful to customers first; acted on in place. */
export class BuyerWorkbench extends Component {
    static template = "procurement_automation.BuyerWorkbench";
    static components = { ControlPanel };
    static props = ["*"];

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.notification = useService("notification");
        this.dialog = useService("dialog");
        this.list = useRef("list");
        this.controlPanelDisplay = {};
        this.state = useState({ data: false, error: false, busy: false, scope: chosen.scope, section: chosen.section });
        onWillStart(() => this.load());
    }

    async load() {
        this.state.busy = this.state.busy || "load";
        try {
            this.state.data = await this.orm.call("distribution.buyer.workbench", "load", [], {
                scope: this.state.scope,
                section: this.state.section,
            });
            this.state.error = false;
        } catch (error) {
            this.state.error = (error.data && error.data.message) || error.message || String(error);
        } finally {
            this.state.busy = false;
        }
    }

    async choose(choice) {
        Object.assign(this.state, choice);
        Object.assign(chosen, choice);
        await this.load();
    }

    get scopes() {
        const { is_manager, nobody, user_id } = this.state.data;
        const scopes = [
            { scope: "mine", label: _t("Mine") },
            { scope: "nobody", label: _t("Nobody's (%s)").replace("%s", nobody) },
        ];
        if (is_manager) {
            scopes.push({ scope: "all", label: _t("All buyers") });
        }
        return scopes.map((one) => ({
            ...one,
            active: one.scope === this.state.scope || (one.scope === "mine" && this.state.scope === user_id),
        }));
    }

    /** Colleagues of the head of purchasing; for a buyer there are none. */
    get colleagues() {
        return this.state.data.is_manager ? this.state.data.workload : [];
    }

    get sections() {
        return this.state.data.sections.filter((section) => section.count || section.name === this.state.section);
    }

    label(section) {
        return this.state.data.sections.find((one) => one.name === section).label;
    }

    days(item) {
        return item.days_late === 1 ? _t("1 day late") : _t("%s days late").replace("%s", item.days_late);
    }

    async open(item) {
        await this.openRecord(item.model, item.id);
    }

    async openRecord(model, id) {
        await this.action.doAction({
            type: "ir.actions.act_window",
            res_model: model,
            res_id: id,
            views: [[false, "form"]],
        });
    }

    act(item, act) {
        if (!act.confirm) {
            return this.perform(item, act);
        }
        this.dialog.add(ConfirmationDialog, {
            title: act.label,
            body: act.confirm,
            confirmLabel: act.label,
            confirm: () => this.perform(item, act),
            cancel: () => {},
        });
    }

    /** Call the method of the record's own model; what it refuses is shown as everywhere in Odoo. */
    async perform(item, act) {
        if (this.state.busy) {
            return;
        }
        this.state.busy = item.key;
        const place = this.state.data.items.findIndex((one) => one.key === item.key);
        let result;
        try {
            result = await this.orm.call(act.model, act.method, [act.ids]);
        } catch (error) {
            this.state.busy = false;
            await this.load();
            throw error;
        }
        this.state.busy = false;
        if (result && result.type === "ir.actions.client" && result.tag === "display_notification") {
            const { message, title, type, sticky } = result.params;
            this.notification.add(message, { title, type, sticky });
        } else if (result && result.type) {
            await this.action.doAction(result, { onClose: () => this.load() });
            return;
        }
        await this.load();
        this.focus(place);
    }

    focus(place) {
        const rows = this.list.el ? [...this.list.el.querySelectorAll(".o_workbench_title")] : [];
        const row = rows[Math.min(Math.max(place, 0), rows.length - 1)];
        if (row) {
            row.focus();
        }
    }

    /** Up and down go from entry to entry; Tab reaches the buttons of each. */
    onKeydown(event) {
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (!step) {
            return;
        }
        const rows = [...this.list.el.querySelectorAll(".o_workbench_item")];
        const here = rows.findIndex((row) => row.contains(document.activeElement));
        this.focus(here + step);
        event.preventDefault();
    }
}

registry.category("actions").add("procurement_automation.buyer_workbench", BuyerWorkbench);
