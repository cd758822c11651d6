"""What Django's schema can't say: the partitioned event table, storage parameters, search indexes."""

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models

EVENTS = """
-- Keys are made by the application and nothing is unique across people, so that a cluster may distribute by profile_id.
CREATE TABLE event (
    profile_id bigint NOT NULL,
    time timestamptz NOT NULL,
    id bigint NOT NULL,
    source_id bigint NOT NULL,
    name_id smallint NOT NULL,
    value numeric,
    message_key uuid NOT NULL,
    message_id text,
    identifiers jsonb,
    properties jsonb,
    context jsonb,
    PRIMARY KEY (profile_id, time, id)
) PARTITION BY RANGE (time);
CREATE TABLE event_before_2015 PARTITION OF event FOR VALUES FROM (MINVALUE) TO ('2015-01-01 00:00:00+00');
-- 'Who did this in that window' without touching the table; 'what has just arrived'. ('This person's latest' is the
-- primary key read backwards.)
CREATE INDEX event_of_name ON event (name_id, time) INCLUDE (profile_id, value);
CREATE INDEX event_by_arrival ON event (id);
"""

QUEUE = """
CREATE TABLE changed_profile (
    id bigint PRIMARY KEY,
    profile_id bigint NOT NULL,
    name_ids smallint[] NOT NULL DEFAULT '{}',
    at timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
"""

STORAGE = """
-- Updated with every batch that mentions the person: room on the page keeps the update heap-only.
ALTER TABLE profile SET (fillfactor = 70);
-- Bodies are read once, soon, and thrown away: compressing them would cost the receiver more than the disk.
ALTER TABLE inbox ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX profile_email_lower ON profile (lower(email) text_pattern_ops);
CREATE INDEX profile_name_lower ON profile (lower(name) text_pattern_ops);
CREATE INDEX identifier_value ON identifier (value text_pattern_ops);
CREATE INDEX record_external_id ON record (external_id text_pattern_ops);
"""

# Substring search is quick where the server has pg_trgm; without it the same queries work, slower.
TRIGRAMS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm') THEN
        BEGIN
            CREATE EXTENSION IF NOT EXISTS pg_trgm;
            CREATE INDEX profile_name_trigrams ON profile USING gin (lower(name) gin_trgm_ops);
            CREATE INDEX identifier_value_trigrams ON identifier USING gin (value gin_trgm_ops);
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE NOTICE 'pg_trgm may not be installed by this role: substring search will be slower';
        END;
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("profiles", "0001_initial")]
    operations = [
        migrations.RunSQL(EVENTS, "DROP TABLE event"),
        migrations.RunSQL(QUEUE, "DROP TABLE changed_profile"),
        # Made above; from here on they are tables like others (a flush empties them).
        migrations.AlterModelOptions("event", {}),
        migrations.AlterModelOptions("changedprofile", {}),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    "changedprofile", "name_ids", ArrayField(models.SmallIntegerField(), default=list, size=None)
                )
            ]
        ),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
        migrations.RunSQL(TRIGRAMS, migrations.RunSQL.noop),
    ]
