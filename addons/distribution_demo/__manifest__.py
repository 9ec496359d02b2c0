{
    "name": "Distribution Demo Company",
    "summary": "A distributor with people, goods, a purchase policy and orders in every stage of approval",
    "version": "17.0.1.1.0",
    "category": "Supply Chain",
    "author": "Distribution Suite",
    "license": "LGPL-3",
    "depends": [
        "distribution_approval",
        "distribution_core_automation",
        "procurement_automation",
        "reporting_workflows",
        "sale_stock",
    ],
    "pre_init_hook": "pre_init_hook",
    "post_init_hook": "post_init_hook",
}
