"""What people come to the house for, one method per request: store + policy + stamp + trail.

FrontDesk    readers and partners: feeds, items, their own licence
NewsDesk     the newsroom: documents in, items shown
RightsDesk   rights staff: partners, mandates, licences, why
KeyDesk      rights staff: partners' keys and the server's signing keys
"""
