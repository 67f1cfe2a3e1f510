-- A capture, a void and a refund find the intent by the payment.
create index intents_payment on simulator.intents (payment_id);
