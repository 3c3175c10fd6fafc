// The canonical encoding: its frozen layout byte by byte, and that two different values never give the same bytes.
import Primitives
import Testing

@Suite struct CanonicalEncoderTests {
    /// Each piece of an encoding with a field of every kind, written by hand from the layout.
    private static let frozen = [
        "01 000000000000000b 746573742e616c6c 00 0102",  // test.all, version 258
        "09 0000000000000003 726177", "02 0000000000000003 0001ff",  // raw
        "09 0000000000000004 6e6f6e65", "02 0000000000000000",  // none
        "09 0000000000000004 74657874", "03 0000000000000007 4772c3bcc39f65",  // text: Grüße
        "09 0000000000000004 766f6964", "03 0000000000000000",  // void
        "09 0000000000000004 676f6e65", "07 0000000000000000",  // gone
        "09 0000000000000005 636f756e74", "04 0000000000000008 fffffffffffffffe",  // count: -2
        "09 0000000000000005 6c65617374", "04 0000000000000008 8000000000000000",  // least
        "09 0000000000000008 6e6f20636f756e74", "07 0000000000000000",  // no count
        "09 0000000000000004 68616c66", "05 0000000000000008 3fe0000000000000",  // half
        "09 000000000000000a 6d696e7573207a65726f", "05 0000000000000008 8000000000000000",  // minus zero
        "09 0000000000000007 6e6f2068616c66", "07 0000000000000000",  // no half
        "09 0000000000000003 796573", "06 0000000000000001 01",  // yes
        "09 0000000000000002 6e6f", "06 0000000000000001 00",  // no
        "09 0000000000000006 646967657374", "02 0000000000000020 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",  // digest
        "09 0000000000000009 6e6f20646967657374", "07 0000000000000000",  // no digest
        "09 0000000000000005 6974656d73", "08 0000000000000008 0000000000000002",  // items
        "09 0000000000000005 76616c7565", "03 0000000000000002 6162",  // value: ab
        "09 0000000000000005 76616c7565", "03 0000000000000001 63",  // value: c
        "09 0000000000000008 6e6f206974656d73", "08 0000000000000008 0000000000000000",  // no items
    ]

    @Test func everyKindOfFieldIsLaidOutAsFrozen() {
        var encoder = CanonicalEncoder(kind: "test.all", version: 258)
        encoder.field("raw", [0, 1, 255])
        encoder.field("none", [UInt8]())
        encoder.field("text", "Grüße")
        encoder.field("void", "")
        encoder.field("gone", String?.none)
        encoder.field("count", Int64(-2))
        encoder.field("least", Int64.min)
        encoder.field("no count", Int64?.none)
        encoder.field("half", 0.5)
        encoder.field("minus zero", -0.0)
        encoder.field("no half", Double?.none)
        encoder.field("yes", true)
        encoder.field("no", false)
        encoder.field("digest", Digest.of("abc"))
        encoder.field("no digest", Digest?.none)
        encoder.list("items", ["ab", "c"]) { $0.field("value", $1) }
        encoder.list("no items", [String]()) { $0.field("value", $1) }
        #expect(encoder.bytes.hex == Self.frozen.joined().filter { $0 != " " })
        #expect(encoder.digest.description == "sha256:0f9833f8190f6696b133aa05fbe8d6e5582360ddca8cedcca6d803f79e785356")
    }

    @Test func kindAndVersionComeFirst() {
        let empty = CanonicalEncoder(kind: "test.empty", version: 1)
        #expect(empty.bytes.hex == "01000000000000000d746573742e656d707479000001")
        #expect(empty.digest.hex == "8d9870d94cf470914419554c956251aae83bdb33c6f918637414d19b035e24cb")
        let late = CanonicalEncoder(kind: "k", version: 0xfffe)
        #expect(late.bytes.hex == "0100000000000000046b00fffe")
        #expect(late.digest.hex == "836b695b4b3e56424ec17e5124eaa6a9eb6e882ccbeb397bf5bcd1901837b510")
        #expect(CanonicalEncoder(kind: "k", version: 1).bytes != CanonicalEncoder(kind: "k", version: 256).bytes)
        #expect(CanonicalEncoder(kind: "k", version: 1).bytes != CanonicalEncoder(kind: "l", version: 1).bytes)
    }

    @Test func whereOneItemEndsIsPartOfTheDigest() {
        func digest(_ items: [String]) -> String {
            var encoder = CanonicalEncoder(kind: "test.list", version: 1)
            encoder.list("items", items) { $0.field("value", $1) }
            return encoder.digest.hex
        }
        #expect(digest(["ab", "c"]) == "e5198705294b36418ef1f8da4121d6adb190d9ff572ca1e28f9ccd1b7e92a0a4")
        #expect(digest(["a", "bc"]) == "b73fae547a22d27da3e909464b94d14f2d812d75b9efc2c2120dee7f013b47a1")
    }

    private typealias Body = @Sendable (inout CanonicalEncoder) -> Void

    private static func rows(_ rows: [[String]]) -> Body {
        { encoder in
            encoder.list("a", rows) { encoder, row in
                encoder.list("b", row) { $0.field("c", $1) }
            }
        }
    }

    private static func texts(_ texts: [String?]) -> Body {
        { $0.list("a", texts) { $0.field("b", $1) } }
    }

    private static let different: [(name: String, body: Body)] = [
        ("nothing", { _ in }), ("absent", { $0.field("a", String?.none) }), ("empty text", { $0.field("a", "") }), ("empty bytes", { $0.field("a", [UInt8]()) }),
        ("text 1", { $0.field("a", "1") }), ("integer 1", { $0.field("a", Int64(1)) }), ("number 1", { $0.field("a", 1.0) }), ("true", { $0.field("a", true) }),
        ("byte 1", { $0.field("a", [1]) }), ("false", { $0.field("a", false) }), ("integer 0", { $0.field("a", Int64(0)) }), ("number 0", { $0.field("a", 0.0) }),
        ("number -0", { $0.field("a", -0.0) }), ("integer -1", { $0.field("a", Int64(-1)) }), ("nan", { $0.field("a", Double.nan) }),
        ("another nan", { $0.field("a", Double(nan: 1, signaling: false)) }), ("the bytes of integer 1", { $0.field("a", [0, 0, 0, 0, 0, 0, 0, 1]) }),
        ("a digest", { $0.field("a", Digest.of("")) }), ("its text", { $0.field("a", Digest.of("").description) }),
        ("composed", { $0.field("a", "\u{e9}") }), ("decomposed", { $0.field("a", "e\u{301}") }),
        (
            "ab then c",
            {
                $0.field("a", "ab"); $0.field("b", "c")
            }
        ),
        (
            "a then bc",
            {
                $0.field("a", "a"); $0.field("b", "bc")
            }
        ),
        (
            "the other order",
            {
                $0.field("b", "c"); $0.field("a", "ab")
            }
        ), ("name in the value", { $0.field("ab", "c") }), ("value in the name", { $0.field("a", "bc") }),
        (
            "absent then empty",
            {
                $0.field("a", String?.none); $0.field("b", "")
            }
        ),
        (
            "empty then absent",
            {
                $0.field("a", ""); $0.field("b", String?.none)
            }
        ),
        ("a field's bytes in a text", { $0.field("a", "ab\u{9}\0\0\0\0\0\0\0\u{1}b\u{3}\0\0\0\0\0\0\0\u{1}c") }),
        ("no items", texts([])), ("an absent item", texts([nil])), ("an empty item", texts([""])), ("two empty items", texts(["", ""])), ("ab, c", texts(["ab", "c"])),
        ("a, bc", texts(["a", "bc"])), ("abc", texts(["abc"])), ("abc, empty", texts(["abc", ""])), ("empty, abc", texts(["", "abc"])), ("c, ab", texts(["c", "ab"])),
        ("rows 2+0", rows([["x", "y"], []])), ("rows 1+1", rows([["x"], ["y"]])), ("rows 0+2", rows([[], ["x", "y"]])), ("rows 2", rows([["x", "y"]])),
        ("silent items", { $0.list("a", [1]) { _, _ in } }),
    ]

    @Test func differentValuesNeverShareAnEncoding() {
        var owners: [[UInt8]: String] = [:]
        for (name, body) in Self.different {
            var encoder = CanonicalEncoder(kind: "k", version: 1)
            body(&encoder)
            let owner = owners.updateValue(name, forKey: encoder.bytes)
            #expect(owner == nil, "'\(name)' and '\(owner ?? "")' encode alike")
        }
    }

    /// What can be read back in full cannot be shared with another value.
    @Test func everyEncodingIsReadBackAsWhatWasWritten() throws {
        var random = SplitMix64(seed: 1)
        for number in 0..<10_000 {
            let fields = (0..<random.below(6)).map { _ in Field.random(&random, depth: 3) }
            var encoder = CanonicalEncoder(kind: "property", version: 7)
            for field in fields { field.write(to: &encoder) }
            var reader = CanonicalReader(rest: encoder.bytes[...])
            let kind = try reader.piece()
            let read = try reader.fields()
            if kind.tag != 1 || kind.content != Array("property".utf8) + [0, 0, 7] || read != fields {
                Issue.record("case \(number): \(fields) was read back as \(read)")
                return
            }
        }
    }
}
