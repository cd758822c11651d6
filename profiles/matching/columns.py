"""From traits to columns that can be compared: read in PostgreSQL by COPY, cleaned in DuckDB, never row by row in Python."""

import re

# What people call these things. Names of traits are in their one form (profiles.normalise.trait_name); those inside an
# address are as they were sent.
FIRST = ("first_name", "given_name", "firstname")
LAST = ("last_name", "family_name", "surname", "lastname")
BIRTH = ("birthday", "birth_date", "date_of_birth", "dob", "birthdate")
STREET = ("street", "street_address", "streetAddress", "line1", "address1", "address_1", "address_line_1")
MORE = ("street2", "line2", "address2", "address_2", "address_line_2")
CITY = ("city", "suburb", "town", "locality")
POSTCODE = ("postal_code", "postalCode", "postcode", "zip", "zip_code", "zipCode")


def _trait(names: tuple[str, ...], *within: str) -> str:
    values = [f"traits ->> '{name}'" for name in names]
    for object in within:
        values = [f"traits -> '{object}' ->> '{name}'" for name in names] + values
    return f"coalesce({', '.join(values)})"


# One pass over the profiles; a long text is no name.
EXPORT = f"""
COPY (
    SELECT id, left({_trait(FIRST)}, 100) AS first, left({_trait(LAST)}, 100) AS last, left(name, 200) AS name,
           left({_trait(BIRTH)}, 40) AS birth, left(email, 200) AS mail, left(phone, 40) AS phone,
           left(concat_ws(' ', coalesce({_trait(STREET, "address")},
                                        CASE WHEN jsonb_typeof(traits -> 'address') = 'string' THEN traits ->> 'address' END),
                          {_trait(MORE, "address")}), 200) AS street,
           left({_trait(CITY, "address")}, 100) AS city, left({_trait(POSTCODE, "address")}, 20) AS postcode
    FROM profile WHERE identified AND traits <> '{{}}'
) TO STDOUT (FORMAT csv, HEADER)
"""

# What several people have says nothing of who somebody is.
EXPORT_LOST = """
COPY (SELECT value FROM identifier WHERE (shared OR disputed) AND kind_id IN (3, 4)) TO STDOUT (FORMAT csv, HEADER)
"""
READ_LOST = """
CREATE TABLE lost AS
SELECT CASE WHEN value LIKE '%@%' THEN value ELSE right(regexp_replace(value, '[^0-9]', '', 'g'), 9) END AS value
FROM read_csv($path, header = true, all_varchar = true, quote = '"', escape = '"', auto_detect = false, delim = ',',
              columns = {'value': 'VARCHAR'})
"""

READ = """
CREATE TABLE raw AS SELECT * FROM read_csv(
    $path, header = true, all_varchar = true, nullstr = '', quote = '"', escape = '"', max_line_size = 10000000,
    auto_detect = false, delim = ',', columns = {
        'id': 'VARCHAR', 'first': 'VARCHAR', 'last': 'VARCHAR', 'name': 'VARCHAR', 'birth': 'VARCHAR', 'mail': 'VARCHAR',
        'phone': 'VARCHAR', 'street': 'VARCHAR', 'city': 'VARCHAR', 'postcode': 'VARCHAR'
    }
)
"""


def _letters(column: str) -> str:
    return f"nullif(trim(regexp_replace(lower(strip_accents({column})), '[^\\p{{L}}]+', ' ', 'g')), '')"


def _plain(column: str) -> str:
    return f"nullif(regexp_replace(lower(strip_accents({column})), '[^\\p{{L}}0-9]+', '', 'g'), '')"


# Dates come as 2001-02-13, 20010213, 2001-02-13T00:00:00Z or 13/02/2001 (day first): all to 20010213. Of a phone number the
# last nine digits count, so that a missing country code is no difference. House numbers are the first number in a street.
CLEAN = f"""
CREATE TABLE cleaned AS
WITH worded AS (
    SELECT CAST(id AS BIGINT) AS id, {_letters("first")} AS first, {_letters("last")} AS last, {_letters("name")} AS name,
           regexp_extract(birth, '^\\s*(\\d{{4}})[-/. ]?(\\d{{2}})[-/. ]?(\\d{{2}})', ['y', 'm', 'd']) AS iso,
           regexp_extract(birth, '^\\s*(\\d{{1,2}})[-/.](\\d{{1,2}})[-/.](\\d{{4}})', ['d', 'm', 'y']) AS european,
           lower(trim(mail)) AS mail, regexp_replace(phone, '[^0-9]', '', 'g') AS phone, lower(strip_accents(street)) AS street,
           {_letters("city")} AS city, {_plain("postcode")} AS postcode
    FROM raw
)
SELECT id,
       coalesce(first, CASE WHEN last IS NULL AND name LIKE '% %' THEN split_part(name, ' ', 1) END) AS first,
       coalesce(last, CASE WHEN first IS NULL THEN regexp_extract(name, '([^ ]+)$', 1) END) AS last,
       coalesce(nullif(iso.y || iso.m || iso.d, ''),
                nullif(european.y || lpad(european.m, 2, '0') || lpad(european.d, 2, '0'), '')) AS birth,
       CASE WHEN mail LIKE '%_@_%' AND mail NOT IN (SELECT value FROM lost) THEN mail END AS mail,
       CASE WHEN length(phone) >= 6 AND right(phone, 9) NOT IN (SELECT value FROM lost) THEN right(phone, 9) END AS phone,
       nullif(trim(regexp_replace(street, '[^\\p{{L}}]+', ' ', 'g')), '') AS street,
       nullif(regexp_extract(street, '\\d+'), '') AS number, city, postcode
FROM worded
"""

# Who has a name and two things more, or a name and something of their own: less can't be told from chance.
TAKE_PART = """
CREATE TABLE taking_part AS SELECT * FROM cleaned
WHERE (first IS NOT NULL OR last IS NOT NULL)
  AND (coalesce(birth, mail, phone) IS NOT NULL OR (street IS NOT NULL AND coalesce(city, postcode) IS NOT NULL))
"""


def house_number(street: str) -> str:
    """As `CLEAN` reads it."""
    found = re.search(r"\d+", street)
    return found.group() if found else ""
