"""The services: what readers, partners and staff ask for, one method for each request.

delivery    feeds and items for readers and partners
changes     each partner's change sequence, acknowledgements, take-downs
newsroom    documents become items; corrections, holds and recalls
rights      partners, mandates, licences and keys
reports     usage reports and monthly statements
audit       records of the trail are written, verified, proved and explained
scheduler   what is due by time, without a request

A service holds the store, the settings and a clock that it needs. It decides with `policy`, stamps with
`stamping`, and knows neither HTTP nor SQL.
"""
