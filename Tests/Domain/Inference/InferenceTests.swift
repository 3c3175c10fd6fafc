// Decision services are read strictly; rules, rate limits and decisions do what their files say.
import Contracts
import Foundation
import Inference
import Primitives
import Testing
import YAMLDocuments

private let examples = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Examples/flight-delay")

private func parse(_ text: String) throws -> DocumentNode { try YAMLDocumentParser().parse(Array(text.utf8), file: "decision.yaml") }

private func exampleText() throws -> String {
    String(decoding: try Data(contentsOf: examples.appendingPathComponent("decision.yaml")), as: UTF8.self)
}

private func outcome(_ text: String) throws -> Outcome { try #require(Outcome(text)) }

@Suite struct DecisionServiceTests {
    @Test func readsTheExample() throws {
        let service = try DecisionService.read(parse(exampleText()))
        #expect(service.name.text == "rebooking-offer" && service.model.text == "flight-delay" && service.input == "contracts/request.yaml")
        #expect(service.entity == "tail_number" && service.fallback.text == "review" && service.outsideContract.text == "review")
        #expect(service.rule.lines.map(\.outcome.text) == ["offer", "review", "none"] && service.rule.lines.map(\.atLeast) == [0.65, 0.45, nil])
        #expect(service.limits == [.init(outcome: try outcome("offer"), atMost: 0.25, over: .seconds(600), beyond: try outcome("review"))])
        #expect(service.outcomes.map(\.text) == ["offer", "review", "none"])
        let late = OutcomeTerms(name: try #require(OutcomeName("late")), contract: "contracts/outcome.yaml", maturesAfter: .seconds(21_600), isAffectedByDecision: false)
        #expect(service.record == .durable && service.outcome == late)
        #expect(service.limit(ofLine: 0)?.key == "offer_rate" && service.limit(ofLine: 1) == nil && service.limit(ofLine: 9) == nil && service.limit(ofLine: -1) == nil)
        let request = try YAMLDocumentParser().parse(Array(Data(contentsOf: examples.appendingPathComponent("contracts/request.yaml"))), file: "r")
        let contract = try DataContract.read(request)
        #expect(service.mismatch(with: contract).isEmpty)
        var other = service
        other.entity = "carrier"
        #expect(other.mismatch(with: contract).first?.contains("role feature") == true)
        other.entity = "nobody"
        #expect(other.mismatch(with: contract).first?.contains("no column") == true)
    }

    static let changes: [(old: String, new: String, says: String)] = [
        ("record: durable", "record: always", "durable"), ("record: durable", "", "add 'record: durable'"), ("matures_after: 6h", "matures_after: soon", "span of time"),
        ("affected_by_decision: false", "affected_by_decision: maybe", "true or false"), ("contracts/outcome.yaml", "../outcome.yaml", "no path inside"),
        ("name: late,", "", "'name' is missing"),
        ("decision: rebooking-offer", "decision: Rebooking", "not a name"), ("model: flight-delay", "modell: x", "'model' is missing"),
        ("entity: tail_number", "", "'entity' is missing"),
        ("contracts/request.yaml", "../request.yaml", "no path inside"), ("contracts/request.yaml", "/etc/passwd", "no path inside"),
        ("contracts/request.yaml", "a/../b", "no path inside"),
        ("contracts/request.yaml", "a//b", "no path inside"), ("contracts/request.yaml", "./a", "no path inside"), ("contracts/request.yaml", "\"a\\\\b\"", "no path inside"),
        ("contracts/request.yaml", "\"a\\nb\"", "no path inside"), ("{ decide: review }", "{ decide: Review }", "not a name"),
        ("{ decide: review }", "{ decide: review, else: none }", "unknown key 'else'"),
        ("at_least: 0.45", "at_least: 0.65", "order them falling"), ("at_least: 0.45", "at_least: 0.9", "order them falling"),
        ("at_least: 0.65", "at_least: 1.1", "between 0 and 1"),
        ("at_least: 0.65", "at_least: -0.1", "between 0 and 1"), ("at_least: 0.65", "at_least: .nan", "expected a number"), ("at_least: 0.65", "below: 0.3", "not built yet"),
        ("at_least: 0.65", "at_leest: 0.3", "'at_least' is missing"), ("score: { at_least: 0.65 }", "distance: { at_least: 0.65 }", "'score' is missing"),
        ("  - { decide: none }\n", "", "takes what is left"), ("- { decide: review, when", "- { decide: offer, when", "two lines"),
        ("decide: offer,  when: { score: { at_least: 0.65 } }", "decide: offer", "only the last line"),
        ("outside_contract: review", "outside_contract: refuse", "no outcome of this service"), ("offer_rate", "offers_rate", "unknown limit"),
        ("offer_rate", "offer", "unknown limit"), ("offer_rate", "_rate", "unknown limit"),
        ("at_most: 0.25", "at_most: 0", "a rate is a share"), ("at_most: 0.25", "at_most: 1", "a rate is a share"), ("at_most: 0.25", "at_most: 1e-9", "a rate is a share"),
        ("over: 10m", "over: 10ms", "1s to 1d"),
        ("over: 10m", "over: 2d", "1s to 1d"), ("over: 10m", "over: soon", "span of time"), ("beyond: review", "beyond: offer", "another outcome"),
        ("beyond: review", "beyond: maybe", "no outcome"),
        ("beyond: review", "beyond: review, more: 1", "unknown key"), ("limits:", "limits:\n  review_rate: { at_most: 0.5, over: 1m, beyond: none }", "has a limit itself"),
        ("limits:", "reasons: {}\nlimits:", "not built yet"),
        ("limits:", "limit: {}\nlimits:", "did you mean"),
        ("rule:", "rule: []\nrules:", "needs at least one line"),
    ]

    @Test(arguments: changes.indices) func refuses(_ index: Int) throws {
        let (old, new, says) = Self.changes[index]
        let text = try exampleText().replacing(old, with: new)
        var found = ""
        do { _ = try DecisionService.read(parse(text)) } catch { found = "\(error)" }
        #expect(try text != exampleText() && found.contains(says) && found.hasPrefix("decision.yaml:"), "\(new): \(found)")
    }

    @Test func decides() throws {
        let rule = try DecisionService.read(parse(exampleText())).rule
        let table: [(Double, Int?)] = [
            (1, 0), (0.65, 0), (0.65.nextDown, 1), (0.45, 1), (0.45.nextDown, 2), (0, 2), (-0.0, 2), (.nan, nil), (.infinity, nil), (-.infinity, nil), (1.0.nextUp, nil),
            (-1e-300, nil),
        ]
        for (score, index) in table { #expect(rule.decide(score: score) == index, "\(score)") }
    }

    @Test func limitsMayBeLeftOut() throws {
        let text = "decision: d\nmodel: m\ninput: r.yaml\nentity: e\nfallback: { decide: hold }\nrule:\n  - { decide: go }\n"
        let service = try DecisionService.read(parse(text))
        #expect(service.outsideContract.text == "hold" && service.outcomes.map(\.text) == ["go", "hold"] && service.rule.decide(score: 0) == 0)
    }
}

@Suite struct RateLimitTests {
    @Test func theFirstRequestsMayHaveTheOutcome() {
        var limit = RateLimit(atMost: 0.25, overMilliseconds: 600_000)
        let answers = (0..<30).map { limit.admit(at: Int64($0)) }
        // Five of the twenty that a share is taken of, then one at every fourth decision past twenty.
        #expect(answers.prefix(20).filter { $0 }.count == 5 && answers.prefix(5).allSatisfy { $0 })
        #expect(answers.filter { $0 }.count == 7)
        var rare = RateLimit(atMost: 0.001, overMilliseconds: 1000)
        let answersOfRare = [rare.admit(at: 0), rare.admit(at: 0)]
        #expect(answersOfRare == [true, false])
    }

    @Test func theWindowSlides() {
        var limit = RateLimit(atMost: 0.25, overMilliseconds: 60_000)
        let answers = [0, 0, 0, 0, 0, 59_999, 60_000, 61_000, 10_000_000].map { limit.admit(at: $0) }
        #expect(answers == [true, true, true, true, true, false, false, true, true])
    }

    /// Against a plain list of the window's decisions: never more than the bound, and never fewer than the bound allows.
    @Test(arguments: [0.01, 0.25, 0.5, 0.9]) func neverAboveTheShare(_ atMost: Double) {
        var limit = RateLimit(atMost: atMost, overMilliseconds: 6000)
        var history: [(time: Int64, admitted: Bool)] = []
        var time: Int64 = -50_000
        var state: UInt64 = 5
        let fewest = max(20, Int((1 / atMost).rounded(.up)))
        for _ in 0..<20_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            time += Int64(state >> 33) % 60
            let wanted = state >> 40 & 3 != 0
            let first = (Double(time) / 100).rounded(.down) - 60
            history.removeAll { (Double($0.time) / 100).rounded(.down) < first }
            let admitted = history.count { $0.admitted }
            let allowed = Double(admitted + 1) <= (atMost * Double(max(history.count + 1, fewest)) + 1e-9)
            if wanted {
                let answer = limit.admit(at: time)
                if answer != allowed { Issue.record("at \(time): \(answer)") }
                history.append((time, answer))
            } else {
                limit.pass(at: time)
                history.append((time, false))
            }
        }
    }

    @Test func survivesAnyTimeAndBound() {
        for atMost in [Double.nan, -1, 0, 1e-300, 1, 5, .infinity] {
            for over in [Int64.min, -1, 0, 1, 59, 61, .max] {
                var limit = RateLimit(atMost: atMost, overMilliseconds: over)
                for time in [Int64.min, 0, .max, .min, -1, .max - 1, .max] {
                    _ = limit.admit(at: time)
                    limit.pass(at: time)
                }
            }
        }
    }

    @Test func timeThatGoesBackCountsAsNow() {
        var limit = RateLimit(atMost: 0.25, overMilliseconds: 60_000)
        let answers = [100_000, 80_000, 60_000, 40_000, 20_000, 100_000, 159_000].map { limit.admit(at: $0) }
        #expect(answers == [true, true, true, true, true, false, false])
    }
}

@Suite struct DecisionTests {
    @Test func rendersJSON() throws {
        let id = try #require(DecisionID(parsing: "00112233445566778899aabbccddeeff"))
        #expect(id.description == "00112233445566778899aabbccddeeff" && DecisionID(bytes: [1, 2]) == nil && DecisionID(parsing: "0g") == nil)
        #expect(DecisionID(bytes: (0..<16).map { UInt8($0 * 17) }) == id)
        let stamp = ReleaseStamp(
            service: try #require(ServiceName("s")), release: try #require(ReleaseID("s-3")), version: "flight-delay@3", spec: Digest.of("x"))
        var decision = Decision(id: id, stamp: stamp, outcome: try outcome("offer"), score: 0.1, reason: .rule)
        func text() -> String {
            var buffer: [UInt8] = []
            decision.append(to: &buffer)
            return String(decoding: buffer, as: UTF8.self)
        }
        #expect(
            text()
                == #"{"decision_id":"00112233445566778899aabbccddeeff","decision":"offer","score":0.1,"release":"s-3","version":"flight-delay@3","spec":"\#(Digest.of("x"))","because":"rule"}"#
        )
        let cases: [(Decision.Reason, String)] = [
            (.noModel, "no_model:"), (.errored, "errored:"), (.rateLimit(try outcome("offer")), "rate_limit: beyond the allowed share of offer"),
            (.outsideContract("'a\"\\\u{1}\n' é"), "outside_contract: 'a\"\\\u{1}\n' é"),
        ]
        for (reason, says) in cases {
            for score in [nil, .nan, .infinity, .leastNonzeroMagnitude, 1e300, 0.25, -0.0] as [Double?] {
                decision.reason = reason
                decision.score = score
                let read = try #require(try JSONSerialization.jsonObject(with: Data(text().utf8)) as? [String: Any])
                #expect((read["because"] as? String)?.hasPrefix(says) == true)
                #expect((read["score"] as? Double) == (score?.isFinite == true ? score : nil))
            }
        }
        decision.score = 0.30000000000000004
        #expect(text().contains("\"score\":0.30000000000000004,"))
        let fallback = ReleaseStamp(service: stamp.service, release: stamp.release, version: nil, spec: stamp.spec)
        decision.stamp = fallback
        #expect(text().contains("\"version\":null"))
    }
}
