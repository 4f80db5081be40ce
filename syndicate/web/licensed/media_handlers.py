"""Send the files of pictures, sounds and films: with a key, by a signed address, or as a public preview."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from syndicate.errors import (
    AddressExpired,
    NotLicensed,
    QuotaExceeded,
    Recalled,
    StoreBusy,
    SyndicateError,
    Unknown,
)
from syndicate.language import Text
from syndicate.media.file_types import WEBP, suffix_of
from syndicate.media.recordings.recording_limits import SLOWEST_DISK
from syndicate.model.item import ItemId
from syndicate.model.media import RenditionName
from syndicate.model.parties import Partner, PartnerId
from syndicate.services.delivery.delivery_events import RequestContext
from syndicate.services.delivery.delivery_service import MAX_ATTEMPTS
from syndicate.services.delivery.media_delivery import JudgedFile, MediaRequest
from syndicate.web.licensed.licensed_handlers import PreparedDelivery, rate_limit_headers
from syndicate.web.server.content_disposition import content_disposition
from syndicate.web.server.file_responses import PRIVATE_FILE, DeliveredFile, FileReply, file_reply
from syndicate.web.server.request_parameters import prefers_webp, use_of
from syndicate.web.server.responses import CORS, Headers, Reply
from syndicate.web.server.worker import SESSION, TIMEOUT, WORKER, request_context

_PUBLIC_FILE = ("Cache-Control", "public, max-age=300, no-transform")


async def media(request: web.Request) -> PreparedDelivery:
    """One file of a media item, with the stamp inside."""
    session = request[SESSION]
    asked = MediaRequest(
        item=ItemId(request.match_info["item"]),
        rendition=RenditionName(request.match_info["rendition"]),
        recipient=session.partner,
        jti=session.key.jti,
        use=use_of(request),
        register=session.register,
        revision=session.revision,
    )
    file = await request.app[WORKER].services.media_delivery.judged(asked)
    chosen = _chosen(request, file)
    vary = "Authorization, Accept" if chosen.negotiated else "Authorization"
    return await _prepared(request, file, chosen.content_type, ("Vary", vary))


async def signed_media(request: web.Request) -> web.StreamResponse:
    """One file of a media item by a signed address, which needs no key and is judged again at each use."""
    services = request.app[WORKER].services
    token, context = request.match_info["token"], request_context(request, "media")
    asked: MediaRequest | None = None
    try:
        for _ in range(MAX_ATTEMPTS):
            signer = await services.authenticator.address_signer()
            asked = await services.media_delivery.opened(token, signer)
            file = await services.media_delivery.judged(asked)
            # A signed address means one type: whoever made it says which in a feed.
            prepared = await _prepared(request, file, file.rendition.rendition.content_type)
            if await prepared.record_delivery():
                return prepared.reply
            services.delivery.expire_rights()
    except (AddressExpired, NotLicensed, Unknown, Recalled, QuotaExceeded) as refusal:
        await _note_refusal(request, asked, refusal, context)
        raise _without_terms(refusal, asked) from refusal
    raise StoreBusy(
        Text(
            "授权状态正在频繁变动，请重试",
            "rights are changing faster than answers can be made; try again",
        )
    )


async def _note_refusal(
    request: web.Request,
    asked: MediaRequest | None,
    refusal: AddressExpired | NotLicensed | Unknown | Recalled | QuotaExceeded,
    context: RequestContext,
) -> None:
    """Write the trail line of a refused address, unless nobody knows whose it is."""
    match refusal, asked:
        case AddressExpired(partner=partner, item=item), _:
            use = rendition = None
        case _, MediaRequest(recipient=Partner(id=partner), item=item, use=use, rendition=rendition):
            pass
        case _:
            return
    delivery = request.app[WORKER].services.delivery
    await delivery.refuse_partner(PartnerId(partner), "", f"item:{item}", use, refusal, context, rendition)


def _without_terms(
    refusal: AddressExpired | NotLicensed | Unknown | Recalled | QuotaExceeded, asked: MediaRequest | None
) -> SyndicateError:
    """What whoever has the address is told: nothing of the partner or its licence, unlike the trail."""
    match refusal, asked:
        case NotLicensed(), MediaRequest(recipient=Partner(id=partner), item=item):
            return AddressExpired(partner, item)
        case QuotaExceeded(resets=resets), _:
            return QuotaExceeded(None, resets, Text("配额已用完", "the quota is used up"))
        case _:
            return refusal


async def preview(request: web.Request) -> web.StreamResponse:
    """The one small file of a media item that the public may have, where its owner allows one."""
    services = request.app[WORKER].services
    file = await services.media_delivery.public_preview(ItemId(request.match_info["item"]))
    chosen = _chosen(request, file)
    vary = [("Vary", "Accept")] if chosen.negotiated else []
    _, response = await _reply(
        request, file, chosen.content_type, (_PUBLIC_FILE, *vary, *CORS), attachment=False
    )
    return response


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The type that the client gets, and whether its Accept has chosen it."""

    content_type: str
    negotiated: bool


def _chosen(request: web.Request, file: JudgedFile) -> _Chosen:
    """WebP for who names it, where there is one; the type itself at an address that ends in it."""
    one = file.rendition
    if request.match_info["suffix"] or not one.has_webp:
        return _Chosen(one.rendition.content_type, negotiated=False)
    webp = prefers_webp(request)
    return _Chosen(WEBP.content_type if webp else one.rendition.content_type, negotiated=True)


async def _prepared(
    request: web.Request, file: JudgedFile, content_type: str, *headers: tuple[str, str]
) -> PreparedDelivery:
    sha256, response = await _reply(
        request, file, content_type, (PRIVATE_FILE, *headers), attachment=bool(file.request.jti)
    )
    part = response.content_range if isinstance(response, FileReply) else None
    delivery = request.app[WORKER].services.media_delivery
    context = request_context(request, "media")

    async def no_headers() -> Headers:
        return ()

    async def limits() -> Headers:
        return await rate_limit_headers(request)

    return PreparedDelivery(
        response,
        lambda: delivery.deliver(file, sha256, content_type, response.status, part, context),
        limits if file.request.jti else no_headers,
    )


async def _reply(
    request: web.Request, file: JudgedFile, content_type: str, headers: Headers, *, attachment: bool
) -> tuple[str, Reply]:
    # An address that ends in another type is none of ours: caches that go by endings must not keep a file.
    if request.match_info["suffix"] not in ("", suffix_of(content_type)):
        raise web.HTTPNotFound
    services = request.app[WORKER].services
    _allow_for(request, file.rendition.rendition.size)
    webp = content_type != file.rendition.rendition.content_type
    made = await services.stamped_media.file(file.item, file.rendition, webp=webp)
    name = file.item.headline if file.item.file_name is None else file.item.file_name.rpartition(".")[0]
    terms = ("Link", f'<{services.settings.base_url}/terms>; rel="license"')
    return made.sha256, file_reply(
        request,
        DeliveredFile(
            opened=made.opened,
            content_type=content_type,
            sha256=made.sha256,
            modified=file.item.updated,
            disposition=content_disposition(name, suffix_of(content_type), attachment=attachment),
            headers=(*headers, terms),
        ),
    )


def _allow_for(request: web.Request, size: int) -> None:
    """Give an answer the time in which the stamp is written into a file of so many bytes."""
    ends = request[TIMEOUT].when()
    if ends is not None:
        request[TIMEOUT].reschedule(ends + size / SLOWEST_DISK)
