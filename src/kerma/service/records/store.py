"""Attachments, kept on disk under the hash of their content."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError as DatabaseIntegrityError
from django.db import transaction
from django.utils import timezone

from kerma.core import IntegrityError, content_hash
from kerma.service.people.models import Person
from kerma.service.records import log
from kerma.service.records.models import Attachment


def path_of(sha256: str) -> Path:
    """Return where content with this hash is kept."""
    return Path(settings.ATTACHMENTS) / sha256[:2] / sha256


def _write(content: bytes, sha256: str) -> None:
    target = path_of(sha256)
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    # Written whole and then named, so that a crash leaves no half file under a content's name.
    handle, temporary = tempfile.mkstemp(dir=target.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).replace(target)


def keep(*, by: Person | None, content: bytes, name: str, media_type: str) -> Attachment:
    """Keep content and return its attachment; the same content is kept once."""
    sha256 = content_hash(content)
    _write(content, sha256)
    found = Attachment.objects.filter(sha256=sha256).first()
    if found:
        return found
    attachment = Attachment(
        sha256=sha256,
        name=Path(name).name[:200],
        media_type=media_type,
        size=len(content),
        added_at=timezone.now(),
        added_by=by,
    )
    try:
        with transaction.atomic():
            attachment.save()
    except DatabaseIntegrityError:  # somebody else kept the same content at the same moment
        return Attachment.objects.get(sha256=sha256)
    log.append(
        actor=by,
        kind="attachment.kept",
        subject=attachment,
        text=f"Kept {attachment.name} ({len(content)} bytes)",
        seals=[attachment],
    )
    return attachment


def read(attachment: Attachment) -> bytes:
    """Return an attachment's bytes.

    Raises
    ------
    IntegrityError
        The file is gone or is no longer what was kept.
    """
    try:
        content = path_of(attachment.sha256).read_bytes()
    except FileNotFoundError:
        raise IntegrityError(
            f"The stored file of “{attachment.name}” is missing. Restore it from a backup.",
            code="attachment-missing",
        ) from None
    if content_hash(content) != attachment.sha256:
        raise IntegrityError(
            f"The stored file of “{attachment.name}” is not what was kept. Do not use it; restore "
            "it from a backup.",
            code="attachment-changed",
        )
    return content
