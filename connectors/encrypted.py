"""A JSON field that is encrypted at rest with the installation's keys (MultiFernet: the newest key writes, all read)."""

import json
from functools import cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


@cache
def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.ENCRYPTION_KEYS])


class EncryptedJSONField(models.TextField):
    """A value that JSON can hold; in the database a Fernet token. It can't be searched, on purpose."""

    description = "Encrypted JSON"
    # For the type checker: what is set and got is any JSON value, not text.
    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def from_db_value(self, value: str | None, *_: Any) -> Any:
        if value is None:
            return None
        try:
            return json.loads(_fernet().decrypt(value.encode()))
        except InvalidToken as error:
            raise ValueError(
                "A stored secret can't be decrypted: ENCRYPTION_KEYS lacks the key that it was written with. "
                "Put the old key back behind the new one."
            ) from error

    def get_prep_value(self, value: Any) -> str | None:
        return None if value is None else _fernet().encrypt(json.dumps(value).encode()).decode()

    def value_to_string(self, obj: models.Model) -> str:
        return json.dumps(self.value_from_object(obj))

    def to_python(self, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value
