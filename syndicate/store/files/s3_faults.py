"""Turn errors of an S3-compatible store into StoreFaults, whose text says what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotSupportedError,
    PermissionDeniedError,
    UnauthenticatedError,
)

from syndicate.errors import StoreFault, StoreMissing
from syndicate.language import Text

_STATUS: Final = re.compile(r"status code: (\d{3})")
_CODE: Final = re.compile(r"<Code>(\w{1,60})</Code>")
_FULL: Final = frozenset({"InsufficientStorage", "QuotaExceeded", "XMinioStorageFull", "EntityTooLarge"})


def s3_errors() -> tuple[type[Exception], ...]:
    """Every error that obstore raises by itself."""
    return (BaseError, TimeoutError, OSError)


@contextmanager
def translating_s3_errors(place: str, seconds: float) -> Iterator[None]:
    """Turn every error but FileNotFoundError into a StoreFault. Wrap only calls to the store.

    The text never holds what the server said: it may repeat an address with a signature.
    """
    try:
        yield
    except (FileNotFoundError, StoreFault):
        raise
    except TimeoutError as error:
        raise _unreachable(place, f"{seconds:g} s") from error
    except s3_errors() as error:
        raise _fault(error, place) from error


def says_no_bucket(error: BaseException) -> bool:
    """Whether it is the bucket that was not found."""
    return _code(error) == "NoSuchBucket"


def has_no_conditions(error: BaseException) -> bool:
    """Whether the server does not know how to put an object on a condition."""
    return isinstance(error, NotSupportedError) or _code(error) == "NotImplemented" or _status(error) == 501


def no_bucket(place: str) -> StoreMissing:
    """There is no such bucket."""
    return StoreMissing(
        Text(
            f"没有这个存储桶：{place}；请先建立它，并核对 media 和 media_s3_endpoint",
            f"there is no such bucket: {place}; make it, and check media and media_s3_endpoint",
        )
    )


def _fault(error: Exception, place: str) -> StoreFault:
    status, code = _status(error), _code(error)
    if code == "NoSuchBucket":
        return no_bucket(place)
    if isinstance(error, PermissionDeniedError | UnauthenticatedError) or status in (401, 403):
        return StoreFault(
            Text(
                f"对象存储拒绝访问：{place}；请核对 AWS_ACCESS_KEY_ID、AWS_SECRET_ACCESS_KEY、"
                "media_s3_region 和存储桶的权限",
                f"the object store refused access: {place}; check AWS_ACCESS_KEY_ID, "
                "AWS_SECRET_ACCESS_KEY, media_s3_region and the bucket's permissions",
            ),
            code="store_not_admitted",
        )
    if status == 507 or code in _FULL:
        return StoreFault(
            Text(
                f"对象存储已满或超出配额：{place}；没有留下不完整的文件",
                f"the object store is full or over its quota: {place}; no incomplete file was left",
            ),
            code="store_full",
        )
    if isinstance(error, AlreadyExistsError):
        return StoreFault(Text(f"对象存储出错：{place}", f"the object store failed: {place}"))
    return _unreachable(place, code or (f"HTTP {status}" if status else type(error).__name__))


def _unreachable(place: str, why: str) -> StoreFault:
    return StoreFault(
        Text(
            f"无法使用对象存储（{why}）：{place}；请检查它是否在运行，以及 media_s3_endpoint",
            f"the object store does not answer as it should ({why}): {place}; check that it runs, and "
            "media_s3_endpoint",
        ),
        code="store_unreachable",
    )


def _status(error: BaseException) -> int | None:
    found = _STATUS.search(str(error))
    return int(found[1]) if found else None


def _code(error: BaseException) -> str | None:
    found = _CODE.search(str(error))
    return found[1] if found else None
