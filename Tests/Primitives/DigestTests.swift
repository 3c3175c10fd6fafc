// Digests and hexadecimal text: one value has one spelling, and a digest does not depend on how its bytes arrived.
import Primitives
import Testing

@Suite struct DigestTests {
    private static let spelled = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

    @Test(
        "The published digests of FIPS 180-4 come out",
        arguments: [
            ("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            ("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
            ("a", 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
        ]) func published(_ text: String, _ times: Int, _ hex: String)
    {
        let whole = String(repeating: text, count: times)
        #expect(Digest.of(whole).hex == hex)
        #expect(Digest.of(Array(whole.utf8)).description == "sha256:" + hex)
        #expect(Digest.of(whole).short == String(hex.prefix(12)))
    }

    @Test func aSpellingIsReadBackAndSpeltTheSame() throws {
        var random = SplitMix64(seed: 2)
        for _ in 0..<1000 {
            let bytes = (0..<32).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let digest = try #require(Digest(bytes: bytes))
            let parsed = try #require(Digest(parsing: digest.description.dropFirst(0)))
            #expect(parsed == digest && parsed.bytes == bytes && parsed.description == "sha256:" + bytes.hex)
        }
    }

    @Test func rawBytesAreThirtyTwo() {
        for count in 0...70 where count != 32 { #expect(Digest(bytes: [UInt8](repeating: 1, count: count)) == nil, "\(count) bytes") }
        #expect(Digest(bytes: [UInt8](repeating: 1, count: 40)[4..<36])?.hex == String(repeating: "01", count: 32))
    }

    private static let malformed: [String] = {
        let hex = String(spelled.dropFirst(7))
        return [
            "", "sha256:", hex, "sha256\(hex)", "sha256-\(hex)", "sha256::\(hex)", "sha256: \(hex)", ":\(hex)", "sha256:sha256:\(hex)", "sha512:\(hex)\(hex)",
            "sha512:\(hex)", "SHA256:\(hex)", "Sha256:\(hex)", "sha-256:\(hex)", "sha256\u{ff1a}\(hex)", "sha256:\u{301}\(hex)", "\u{feff}\(spelled)",
            "sha256:\(hex.uppercased())", "sha256:B\(hex.dropFirst())", "sha256:\(hex.dropLast())", "sha256:\(hex.dropLast(2))", "sha256:\(hex)0",
            "sha256:\(hex)00", "sha256:\(hex)\(hex)", "sha256:0x\(hex.dropFirst(2))", "sha256:\(hex.dropLast())g", "sha256:\(hex.dropLast())\u{ff11}",
            "sha256:\(hex.dropLast(2))\u{e9}", "sha256:\(hex.dropLast())\0", "\(spelled)\0", "\(spelled)\n", "\(spelled) ", " \(spelled)",
            "\(spelled)\u{301}", "sha256:\(hex.prefix(32)):\(hex.suffix(32))", "sha256:\(hex.prefix(31))  \(hex.suffix(31))", "\"\(spelled)\"",
        ]
    }()

    @Test(arguments: malformed) func refuses(_ text: String) {
        #expect(Digest(parsing: text) == nil)
        #expect(Digest(parsing: text[...]) == nil)
    }

    @Test func anyOtherCharacterAnywhereIsRefused() {
        let valid = Array(Self.spelled.utf8)
        var wrong: [String] = []
        for index in valid.indices {
            for byte in UInt8(0)..<128 {
                var bytes = valid
                bytes[index] = byte
                let text = String(decoding: bytes, as: UTF8.self)
                let isSpelling = index < 7 ? byte == valid[index] : "0123456789abcdef".utf8.contains(byte)
                if (Digest(parsing: text) != nil) != isSpelling { wrong.append(text) }
            }
        }
        #expect(wrong.isEmpty)
    }

    @Test func everyBitCounts() throws {
        let digest = Digest.of("abc")
        var seen: Set<Digest> = [digest]
        for bit in 0..<256 {
            var bytes = digest.bytes
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            let other = try #require(Digest(bytes: bytes))
            #expect(other != digest && seen.insert(other).inserted, "bit \(bit)")
            #expect((other < digest) == (bytes.hex < digest.hex) && (digest < other) == (digest.hex < bytes.hex), "bit \(bit)")
        }
    }

    @Test func isAStringInJSON() throws {
        let digest = Digest.of("abc")
        #expect(String(decoding: StrictJSON.encode([digest]), as: UTF8.self) == "[\"\(Self.spelled)\"]")
        #expect(try StrictJSON.decode([Digest].self, from: Array("[\"\(Self.spelled)\"]".utf8)) == [digest])
        for json in ["[\"\(Self.spelled.uppercased())\"]", "[\"\"]", "[null]", "[7]", "[{}]"] {
            #expect(throws: DecodingError.self, "\(json)") { try StrictJSON.decode([Digest].self, from: Array(json.utf8)) }
        }
    }

    @Test func anyChunkingGivesTheDigestOfTheWhole() {
        var random = SplitMix64(seed: 3)
        for number in 0..<10_000 {
            let bytes = random.bytes(upTo: 200)
            var hasher = DigestHasher()
            var rest = bytes[...]
            while !rest.isEmpty {
                let chunk = Array(rest.prefix(random.below(random.below(2) == 0 ? 4 : 80)))
                rest = rest.dropFirst(chunk.count)
                if random.below(2) == 0 { hasher.update(chunk) } else { chunk.withUnsafeBytes { hasher.update($0) } }
            }
            if hasher.finalize() != Digest.of(bytes) {
                Issue.record("case \(number): \(bytes.hex)")
                return
            }
        }
    }

    @Test func aHasherGoesOnAfterItsDigestWasRead() {
        var hasher = DigestHasher()
        #expect(hasher.finalize() == Digest.of(""))
        hasher.update(Array("ab".utf8))
        hasher.update(UnsafeRawBufferPointer(start: nil, count: 0))
        let copy = hasher
        #expect(hasher.finalize() == Digest.of("ab") && hasher.finalize() == Digest.of("ab"))
        hasher.update(Array("c".utf8))
        #expect(hasher.finalize() == Digest.of("abc") && copy.finalize() == Digest.of("ab"))
    }
}

@Suite struct HexTests {
    @Test func everyByteIsTwoLowerCaseDigits() {
        let text = (UInt8.min...UInt8.max).map { [$0].hex }
        #expect(text.prefix(3) == ["00", "01", "02"] && text[9...16] == ["09", "0a", "0b", "0c", "0d", "0e", "0f", "10"] && text.suffix(2) == ["fe", "ff"])
        #expect(Set(text).count == 256 && text == text.sorted())
        #expect(Array(UInt8.min...UInt8.max).hex == text.joined())
        #expect([UInt8](hex: text.joined()) == Array(UInt8.min...UInt8.max))
        #expect([UInt8]().hex == "" && [UInt8](hex: "") == [])
    }

    @Test func aPairIsReadWhenBothAreLowerCaseDigits() {
        let digits = "0123456789abcdef"
        var wrong: [String] = []
        for high in UInt8(0)..<128 {
            for low in UInt8(0)..<128 {
                let text = String(decoding: [high, low], as: UTF8.self)
                let expected = text.utf8.allSatisfy(digits.utf8.contains) ? UInt8(text, radix: 16).map { [$0] } : nil
                if [UInt8](hex: text) != expected { wrong.append(text) }
            }
        }
        #expect(wrong.isEmpty)
    }

    @Test(arguments: ["a", "abc", "AB", "aB", "0x", "0x00", " 00", "00 ", "0 0", "00\n", "g0", "\u{ff11}\u{ff12}", "\u{e9}", "0\u{301}", "\0\0", "-1", "+1"])
    func refuses(_ text: String) { #expect([UInt8](hex: text) == nil) }

    @Test func anyBytesAreReadBack() {
        var random = SplitMix64(seed: 4)
        for number in 0..<10_000 {
            let bytes = random.bytes(upTo: 40)
            if [UInt8](hex: bytes.hex) != bytes || bytes.hex.utf8.count != 2 * bytes.count {
                Issue.record("case \(number): \(bytes)")
                return
            }
        }
    }
}
