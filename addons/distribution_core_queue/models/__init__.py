from . import distribution_webhook_delivery
