"""Write the stamp as an XMP packet, and read the fields of one that a file brings along.

XMP (ISO 16684-1) is RDF in XML. What we write says the attribution, the rights and the credits, with the
properties of IPTC Photo Metadata and PLUS. What we read comes from strangers: no DOCTYPE, no entities, no
network, and a bound on everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from lxml import etree

from syndicate.characters import clean
from syndicate.media.file_stamp import FileStamp

LONGEST_PACKET: Final = 4 << 20
"""Bytes of a packet that is read. Longer ones hold an editor's history, not more about rights."""
_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XML: Final = "http://www.w3.org/XML/1998/namespace"
_NAMESPACES: Final = {
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "plus": "http://ns.useplus.org/ldf/xmp/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
}
_BEGIN: Final = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
_END: Final = '\n<?xpacket end="w"?>'
_LONGEST_WRITTEN: Final = 5000
"""Characters of a field. A JPEG has room for 65,000 bytes in all."""
_MOST_VALUES: Final = 200
_MOST_CHARACTERS: Final = 20_000


class XmpFields(NamedTuple):
    """The properties of a packet by their usual names (`dc:rights`), each with its values, never none."""

    values: Mapping[str, tuple[str, ...]]

    def first(self, *names: str) -> str | None:
        """The first value of the first of these properties that the packet has."""
        return next((self.values[name][0] for name in names if name in self.values), None)

    def all(self, name: str) -> tuple[str, ...]:
        """All values of a property."""
        return self.values.get(name, ())


def xmp_packet(stamp: FileStamp) -> bytes:
    """The stamp as a packet in UTF-8, with its wrapper. The same stamp gives the same bytes."""
    root = etree.Element("{adobe:ns:meta/}xmpmeta", nsmap={"x": "adobe:ns:meta/"})
    rdf = etree.SubElement(root, _rdf("RDF"), nsmap={"rdf": _RDF})
    about = etree.SubElement(rdf, _rdf("Description"), nsmap=_NAMESPACES)
    about.set(_rdf("about"), "")
    _language_alternative(about, "dc:rights", stamp.rights)
    _sequence(about, "dc:creator", stamp.byline)
    _language_alternative(about, "dc:title", stamp.headline)
    _language_alternative(about, "dc:description", stamp.caption)
    _language_alternative(about, "Iptc4xmpCore:AltTextAccessibility", stamp.alt)
    _sequence(about, "dc:date", None if stamp.created is None else stamp.created.isoformat("T", "seconds"))
    _simple(about, "dc:identifier", stamp.uri)
    _simple(about, "xmpMM:VersionID", stamp.version)
    _simple(about, "photoshop:Headline", stamp.headline)
    _simple(about, "photoshop:Credit", stamp.credit)
    _simple(about, "photoshop:Source", stamp.source)
    _simple(about, "photoshop:Instructions", stamp.stamp)
    _simple(about, "xmpRights:Marked", "True")
    _language_alternative(about, "xmpRights:UsageTerms", stamp.usage_terms)
    _simple(about, "xmpRights:WebStatement", stamp.terms_url)
    _licensor(about, stamp)
    _simple(about, "plus:DataMining", stamp.data_mining)
    _simple(about, "Iptc4xmpExt:DigitalSourceType", stamp.digital_source_type)
    etree.indent(root, " ")
    etree.cleanup_namespaces(root)
    return f"{_BEGIN}{etree.tostring(root, encoding='unicode')}{_END}".encode()


def read_xmp(packet: bytes) -> XmpFields | None:
    """The properties of a packet, in the namespaces that `xmp_packet` writes; None where it cannot be read.

    A packet with a DOCTYPE is not read at all: XMP has none, and entities are what attacks are made of.
    """
    if len(packet) > LONGEST_PACKET:
        return None
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False
    )
    try:
        root = etree.fromstring(packet.strip(b"\x00 \t\r\n"), parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    document: Any = root.getroottree()
    if document.docinfo.doctype:
        return None
    found: dict[str, list[str]] = {}
    known = {uri: prefix for prefix, uri in _NAMESPACES.items()}
    # Those alone that stand in an RDF element: others are structures inside a property.
    for description in (
        one for rdf in root.iter(_rdf("RDF")) for one in rdf.iterchildren(_rdf("Description"))
    ):
        for name, value in description.attrib.items():
            _keep(found, known, name, [str(value)])
        for element in description.iterchildren(etree.Element):
            _keep(found, known, element.tag, _values(element))
    return XmpFields({name: tuple(values) for name, values in found.items()})


def _keep(
    found: dict[str, list[str]], known: Mapping[str, str], name: str | bytes, values: Iterable[str]
) -> None:
    tag = etree.QName(name)
    prefix = known.get(tag.namespace or "")
    if prefix is None:
        return
    texts = [text for value in values if (text := value[:_MOST_CHARACTERS].strip())]
    if texts:
        kept = found.setdefault(f"{prefix}:{tag.localname}", [])
        kept += texts[: _MOST_VALUES - len(kept)]


def _values(element: etree._Element) -> list[str]:
    """The values of a property: of a list in its order, of language alternatives the default first."""
    resource = element.get(_rdf("resource"))
    if resource is not None:
        return [resource]
    for kind in ("Alt", "Seq", "Bag"):
        found = element.find(_rdf(kind))
        if found is not None:
            items = list(found.iterchildren(_rdf("li")))
            if kind == "Alt":
                items.sort(key=lambda item: item.get(f"{{{_XML}}}lang", "x-default") != "x-default")
            return [item.get(_rdf("resource")) or item.text or "" for item in items]
    return [element.text or ""] if not len(element) else []


def _licensor(about: etree._Element, stamp: FileStamp) -> None:
    if stamp.licensor_name is None and stamp.licensor_url is None:
        return
    sequence = etree.SubElement(etree.SubElement(about, _qualified("plus:Licensor")), _rdf("Seq"))
    licensor = etree.SubElement(sequence, _rdf("li"))
    licensor.set(_rdf("parseType"), "Resource")
    _simple(licensor, "plus:LicensorName", stamp.licensor_name)
    _simple(licensor, "plus:LicensorURL", stamp.licensor_url)


def _simple(about: etree._Element, name: str, value: str | None) -> None:
    if value:
        etree.SubElement(about, _qualified(name)).text = clean(value)[:_LONGEST_WRITTEN]


def _language_alternative(about: etree._Element, name: str, value: str | None) -> None:
    if value:
        _item(about, name, "Alt", value).set(f"{{{_XML}}}lang", "x-default")


def _sequence(about: etree._Element, name: str, value: str | None) -> None:
    if value:
        _item(about, name, "Seq", value)


def _item(about: etree._Element, name: str, kind: str, value: str) -> etree._Element:
    container = etree.SubElement(etree.SubElement(about, _qualified(name)), _rdf(kind))
    item = etree.SubElement(container, _rdf("li"))
    item.text = clean(value)[:_LONGEST_WRITTEN]
    return item


def _qualified(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{_NAMESPACES[prefix]}}}{local}"


def _rdf(local: str) -> str:
    return f"{{{_RDF}}}{local}"
