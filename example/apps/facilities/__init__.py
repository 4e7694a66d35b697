"""A facility-management company: sites, sensors, work orders, invoices, reports, and the tasks of every day."""
