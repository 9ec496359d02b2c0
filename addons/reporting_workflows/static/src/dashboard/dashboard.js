/** @odoo-module **/

import { Component, onWillStart, useRef, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { ControlPanel } from "@web/search/control_panel/control_panel";
import { KpiDetail } from "./kpi_detail";
import { KpiTile } from "./kpi_tile";

/** What the person chose last; coming back from a document, or going to another dashboard, shows the same. */
const chosen = { period: "last_7_days", first: false, last: false, place: false, kind: "all" };
/** Steps of the arrow keys: whether across, and in which direction. */
const STEPS = { ArrowRight: [true, 1], ArrowLeft: [true, -1], ArrowDown: [false, 1], ArrowUp: [false, -1] };

/** Numbers of a dashboard, with the documents behind each. */
export class Dashboard extends Component {
    static template = "reporting_workflows.Dashboard";
    static components = { ControlPanel, KpiTile };
    static props = ["*"];

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.dialog = useService("dialog");
        this.content = useRef("content");
        this.controlPanelDisplay = {};
        const { params } = this.props.action || {};
        this.code = (params && params.dashboard) || "control_tower";
        this.asked = 0;
        this.state = useState({ ...chosen, data: false, error: false, busy: false, only: false, seconds: "" });
        onWillStart(() => this.load());
    }

    /** What the server needs to know of the choice. */
    get choice() {
        const { period, first, last, place } = this.state;
        const [kind, id] = place ? place.split("-") : [];
        return {
            period,
            first: period === "custom" && first,
            last: period === "custom" && last,
            site_ids: kind === "site" ? [Number(id)] : kind === "company" ? [] : null,
            region_id: kind === "region" ? Number(id) : null,
        };
    }

    async load() {
        const asked = ++this.asked;
        const began = performance.now();
        this.state.busy = true;
        try {
            const data = await this.orm.call("distribution.dashboard", "load", [this.code], this.choice);
            if (asked === this.asked) {
                Object.assign(this.state, { data, error: false, first: data.first, last: data.last });
                this.state.seconds = ((performance.now() - began) / 1000).toFixed(2);
            }
        } catch (error) {
            if (asked === this.asked) {
                this.state.error = (error.data && error.data.message) || error.message || String(error);
            }
        } finally {
            if (asked === this.asked) {
                this.state.busy = false;
            }
        }
    }

    async choose(choice) {
        Object.assign(this.state, choice);
        for (const name of Object.keys(chosen)) {
            chosen[name] = this.state[name];
        }
        // Days of one's own are loaded once both are there.
        if (!("kind" in choice) && (this.state.period !== "custom" || (this.state.first && this.state.last))) {
            await this.load();
        }
    }

    async measure() {
        this.state.busy = true;
        try {
            await this.orm.call("distribution.dashboard", "measure", [this.code]);
        } finally {
            this.state.busy = false;
        }
        await this.load();
    }

    get place() {
        const { data } = this.state;
        if (data.region_id) {
            return `region-${data.region_id}`;
        }
        return data.site_ids.length === 1 ? `site-${data.site_ids[0]}` : data.site_ids.length ? "own" : "company";
    }

    get shownKinds() {
        const { data, kind, only } = this.state;
        if (!this.tiles.length) {
            return [];
        }
        const kinds = [
            { name: "business", label: _t("Business") },
            { name: "technical", label: _t("Technical") },
        ];
        return kinds
            .filter((one) => kind === "all" || kind === one.name)
            .map((one) => ({
                ...one,
                sections: data.sections
                    .filter((section) => section.kind === one.name)
                    .map((section) => ({
                        ...section,
                        tiles: section.tiles.filter((tile) => !only || this.standing(tile) === only),
                        hidden: only ? [] : section.hidden,
                    }))
                    .filter((section) => section.tiles.length || section.hidden.length),
            }))
            .filter((one) => one.sections.length);
    }

    get hasKinds() {
        return new Set(this.state.data.sections.map((section) => section.kind)).size > 1;
    }

    get tiles() {
        const tiles = this.state.data.sections.flatMap((section) => section.tiles);
        return [...new Map(tiles.map((tile) => [tile.code, tile])).values()];
    }

    standing(tile) {
        return tile.state === "missing" ? "missing" : tile.status;
    }

    /** How many stand how; each is a button that shows only these. */
    get standings() {
        const labels = {
            breach: [_t("1 breach"), _t("%s breaches")],
            warn: [_t("1 warning"), _t("%s warnings")],
            ok: [_t("1 fine"), _t("%s fine")],
            none: [_t("1 without thresholds"), _t("%s without thresholds")],
            missing: [_t("1 without a number"), _t("%s without a number")],
        };
        return Object.entries(labels)
            .map(([name, [one, many]]) => {
                const count = this.tiles.filter((tile) => this.standing(tile) === name).length;
                return { name, count, label: count === 1 ? one : many.replace("%s", count) };
            })
            .filter((one) => one.count);
    }

    /** Only the numbers that stand so; once more shows all again. */
    show(standing) {
        this.state.only = this.state.only === standing ? false : standing;
    }

    get nothingTaken() {
        const taken = (tile) => tile.state !== "missing" || tile.taken_text || tile.never;
        return this.tiles.length && !this.tiles.some(taken);
    }

    /** The documents behind a number: of the period or the one before, of a place or the one chosen. */
    async drill(tile, span, siteIds) {
        const { data } = this.state;
        const { first, last } = span || data;
        const where = siteIds
            ? { site_ids: siteIds, region_id: null }
            : { site_ids: data.site_ids, region_id: data.region_id };
        const action = await this.orm.call("distribution.dashboard", "drill", [tile.code, first, last], where);
        await this.action.doAction(action);
    }

    showDetail(tile) {
        const { data } = this.state;
        this.dialog.add(KpiDetail, {
            tile,
            data,
            drill: (span) => this.drill(tile, span),
            openKpi: () => this.openRecord("distribution.kpi", tile.id),
            openDaily: () => this.openDaily(tile),
        });
    }

    async openRecord(model, id) {
        await this.action.doAction({
            type: "ir.actions.act_window",
            res_model: model,
            res_id: id,
            views: [[false, "form"]],
        });
    }

    /** The snapshots that the number is made of. */
    async openDaily(tile) {
        const { data } = this.state;
        const domain = [["kpi_id", "=", tile.id], ["day", ">=", data.first], ["day", "<=", data.last]];
        domain.push(data.site_ids.length ? ["site_id", "in", data.site_ids] : ["site_id", "=", false]);
        await this.action.doAction({
            type: "ir.actions.act_window",
            name: `${_t("Daily Numbers")}: ${tile.name}`,
            res_model: "distribution.kpi.snapshot",
            views: [[false, "list"], [false, "kanban"], [false, "graph"], [false, "pivot"], [false, "form"]],
            domain,
            context: { search_default_latest: 1 },
        });
    }

    /** Arrow keys go from tile to tile; Tab reaches what is in each. */
    onKeydown(event) {
        const step = STEPS[event.key];
        const titles = [...this.content.el.querySelectorAll(".o_kpi_title")];
        const here = titles.indexOf(document.activeElement);
        if (!step || here < 0) {
            return;
        }
        const [across, way] = step;
        const target = across ? titles[here + way] : this.below(titles, here, way);
        if (target) {
            target.focus();
        }
        event.preventDefault();
    }

    /** The nearest title in another row, below (1) or above (-1). */
    below(titles, here, way) {
        const place = titles[here].getBoundingClientRect();
        const away = (title) => (title.getBoundingClientRect().top - place.top) * way;
        const distance = (title) => away(title) * 2 + Math.abs(title.getBoundingClientRect().left - place.left);
        return titles.filter((title) => away(title) > 10).sort((one, other) => distance(one) - distance(other))[0];
    }
}

registry.category("actions").add("reporting_workflows.dashboard", Dashboard);
