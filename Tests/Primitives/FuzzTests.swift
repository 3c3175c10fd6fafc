// Thousands of damaged and random texts for each parser: none traps, and whatever is accepted keeps the parser's promise.
import Primitives
import Testing

@Suite struct FuzzTests {
    private static let count = 20_000

    /// Runs `breaks` on each input; it answers true where a promise is broken. Each side, accepted and refused, must have been tried.
    private func check(_ inputs: [String], accepts: (String) -> Bool, breaks: (String) -> Bool) {
        var accepted = 0
        var broken: [String] = []
        for input in inputs {
            if accepts(input) { accepted += 1 }
            if breaks(input) { broken.append(input.unicodeScalars.map { $0.escaped(asASCII: true) }.joined()) }
        }
        #expect(broken.isEmpty)
        #expect((50...inputs.count - 50).contains(accepted), "\(accepted) of \(inputs.count) were accepted: too few of one side to tell")
    }

    @Test func digests() {
        var random = SplitMix64(seed: 10)
        let inputs = random.inputs(Self.count, from: [Digest.of("").description, Digest.of("a").description], letters: "0123456789abcdefABCDEFgsha256: ")
        check(inputs, accepts: { Digest(parsing: $0) != nil }) { text in
            guard let digest = Digest(parsing: text) else { return false }
            return Array(digest.description.utf8) != Array(text.utf8)
        }
    }

    @Test func hex() {
        var random = SplitMix64(seed: 11)
        let inputs = random.inputs(Self.count, from: ["", "00", "0123456789abcdef", "ffff"], letters: "0123456789abcdef")
        check(inputs, accepts: { [UInt8](hex: $0) != nil }) { text in
            guard let bytes = [UInt8](hex: text) else { return false }
            return Array(bytes.hex.utf8) != Array(text.utf8)
        }
    }

    @Test func identifiers() {
        var random = SplitMix64(seed: 12)
        let inputs = random.inputs(Self.count, from: ["a", "rebooking-offer-12", "flight_delay.v2", String(repeating: "z", count: 63)], letters: "az09._-A/\\ ")
        check(inputs, accepts: { ModelName($0) != nil }) { (ModelName($0)?.text == $0) != IdentifierTests.isName($0) }
    }

    @Test func instants() {
        var random = SplitMix64(seed: 13)
        let valid = [
            "2013-06-30", "2013-06-30T12:00:00.000Z", "2024-02-29 23:59:59.999999999+23:59", "0001-01-01T00:00-23:59", "9999-12-31T23:59:59.9-00:01", "0001-01-01T00:00+00:01",
        ]
        check(random.inputs(Self.count, from: valid, letters: "0123456789-:.TZ+ "), accepts: { Instant(parsing: $0) != nil }) { text in
            guard let instant = Instant(parsing: text) else { return false }
            return !Instant.range.contains(instant.milliseconds) || Instant(parsing: instant.description) != instant || instant.description.utf8.count != 24
        }
    }

    @Test func durations() {
        var random = SplitMix64(seed: 14)
        check(random.inputs(Self.count, from: ["250ms", "10s", "20m", "6h", "7d", "999999999d"], letters: "0123456789msdh-+. "), accepts: { Duration(parsing: $0) != nil }) {
            text in
            guard let duration = Duration(parsing: text) else { return false }
            let isSaturated = duration >= .milliseconds(duration.wholeMilliseconds + 1)
            return duration < .zero || (!isSaturated && duration.spelled.utf8.count < 11 && Duration(parsing: duration.spelled) != duration)
        }
    }

    @Test func documentValues() {
        var random = SplitMix64(seed: 15)
        let valid = ["0", "-1.5e300", "9223372036854775807", "true", "null", "7d", "1e308", "5e-324", "name", ""]
        func nodes(_ text: String) -> [DocumentNode] {
            [true, false].map { DocumentNode(.scalar(text, plain: $0), at: SourcePlace(file: "f", line: 1)) }
        }
        check(random.inputs(Self.count, from: valid, letters: "0123456789+-.eExXinfatru~ms_"), accepts: { (try? nodes($0)[0].number()) != nil }) { text in
            nodes(text).contains { node in
                let number = try? node.number(), integer = try? node.integer(in: -1000...1000)
                _ = (try? node.bool(), try? node.duration(), try? node.text(), try? node.name(ModelSubject.self), try? node.list())
                return number?.isFinite == false || integer.map { !(-1000...1000).contains($0) } == true || (integer != nil && number != integer.map(Double.init))
                    || node.kind.isEmpty
            }
        }
    }

    @Test func unknownKeys() {
        var random = SplitMix64(seed: 16)
        let known = ["decision", "model", "input", "entity", "fallback", "rule", "limits", "", "e\u{301}"]
        let place = SourcePlace(file: "f", line: 1)
        check(random.inputs(Self.count / 5, from: known, letters: "abdeilmnoprtu"), accepts: known.contains) { key in
            let node = DocumentNode(.map([.init(key: key, place: place, value: DocumentNode(.list([]), at: place))]), at: place)
            do throws(DocumentError) {
                var fields = try node.fields()
                for key in known { _ = fields.take(key) }
                try fields.finish()
                return !known.contains(key)
            } catch { return known.contains(key) || !error.message.utf8.starts(with: "unknown key '".utf8) }
        }
    }
}
