-- Why a message that a provider was to deliver lies in the inbox instead; null for those of projects without a provider.

alter table polder.inbox_messages add column failure text;
