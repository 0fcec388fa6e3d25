"""What mails lead to without a login: each mail's own page, and the way to fewer mails or none.

A GET changes nothing, since link scanners open every link of a mail; whatever is changed is changed by a POST.
"""
