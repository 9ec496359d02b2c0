# Two commands are enough: `make run` and `make test`. Everything they need is put into .run/,
# which git ignores. Settings: ENGINE=17.0|19.0  PORT=8069  DB=distribution_demo  ODOO_HOME=…
#                              ONLY=odoo (test: without what needs no Odoo)  ADDON=… (test-fast)
#                              HYPOTHESIS=fixed|random|thorough (test, explore: which examples)
#                              TIMES=… (explore: how many times as many)
#                              BENCH=… (bench)  V=1 (show the output of what is called)

export ENGINE PORT DB ADDON TAGS HYPOTHESIS TIMES BENCH V ONLY ODOO_HOME ODOO_ARCHIVE_URL

PYTHON3 := $(shell command -v python3)
DEVKIT = @$(or $(PYTHON3),python3) -m tools.devkit
AS_ROOT := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: help run test test-fast explore test-ldap test-n8n test-queue odoo-tests lint format i18n bench screens stop clean python

help: ## What there is
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## /  make \1	/p' $(MAKEFILE_LIST)

python:
ifeq ($(PYTHON3),)
	@echo "Installing Debian packages on this machine: python3 python3-venv …"
	@$(AS_ROOT) apt-get update -qq && $(AS_ROOT) env DEBIAN_FRONTEND=noninteractive \
		apt-get install -qq -y --no-install-recommends python3 python3-venv >/dev/null
endif

run: python ## Start the demo company: http://localhost:8069
	$(DEVKIT) run

test: python ## All tests, on the engine found or named by ENGINE=
	$(DEVKIT) test

test-fast: python ## One addon: make test-fast ADDON=distribution_core
	$(DEVKIT) test-fast

explore: python ## The plain engines on other examples, many more of them (ADDON=… TIMES=20): an hour or two
	$(DEVKIT) explore

test-ldap: python ## Sign-in through a real directory (OpenLDAP, unpacked below .run)
	$(DEVKIT) test-ldap

test-n8n: python ## The n8n workflows in a real n8n (from npm, 1.4 GB below .run, once)
	$(DEVKIT) test-n8n

test-queue: python ## Webhooks sent by the OCA's job queue, in a server with workers
	$(DEVKIT) test-queue

odoo-tests: python ## Odoo's own tests of what we govern, with our addons installed (OWN="sale sale_stock": of these)
	$(DEVKIT) odoo-tests

lint: python ## Formatting and mistakes: Python, XML, JavaScript
	$(DEVKIT) lint

format: python ## Let the formatters rewrite what lint complains about
	$(DEVKIT) format

i18n: python ## Catalogues for translators: addons/*/i18n, after texts have changed (Odoo 17.0)
	$(DEVKIT) i18n

bench: python ## Measurements against plain Odoo and the OCA's addon
	$(DEVKIT) bench

screens: python ## Pictures of the demo company, to look at and for the documentation
	$(DEVKIT) screens

stop: python ## Stop what this checkout has started
	$(DEVKIT) stop

clean: python ## Stop, and remove everything that was built (also the demo database)
	$(DEVKIT) clean
