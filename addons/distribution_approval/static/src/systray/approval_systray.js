/** @odoo-module **/

import { Component, onWillStart, useState } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";

/** How many decisions wait for the user; a click opens them. */
export class ApprovalSystray extends Component {
    static template = "distribution_approval.ApprovalSystray";
    static props = {};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.state = useState({ count: 0 });
        const bus = this.env.services.bus_service;
        if (bus) {
            const refresh = () => this.refresh();
            if (bus.subscribe) {
                bus.subscribe("distribution.approval/inbox", refresh);
            }
        }
        this.env.bus.addEventListener("ACTION_MANAGER:UI-UPDATED", () => this.refreshSoon());
        onWillStart(() => this.refresh());
    }

    refreshSoon() {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.refresh(), 1000);
    }

    async refresh() {
        this.state.count = await this.orm.silent.call(
            "distribution.approval.task",
            "get_inbox_count",
            []
        );
    }

    async open() {
        const action = await this.orm.call("distribution.approval.task", "action_inbox", []);
        this.action.doAction(action, { clearBreadcrumbs: true });
    }
}

registry
    .category("systray")
    .add("distribution_approval.systray", { Component: ApprovalSystray }, { sequence: 24 });
