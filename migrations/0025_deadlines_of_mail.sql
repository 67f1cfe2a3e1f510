-- Mail may be overdue in great numbers while a mail server is down, and must not stand in the way of
-- what is due besides.
drop index deadlines_due;
create index deadlines_due on deadlines (due_at) where kind <> 'notification_attempt';
create index deadlines_mail on deadlines (due_at) where kind = 'notification_attempt';
