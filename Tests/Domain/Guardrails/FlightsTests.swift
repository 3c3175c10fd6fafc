// Real traffic with nothing to find: flights of New York's airports, split by aircraft with one salt after another.
import Foundation
import Guardrails
import Testing

/// The first 14 days of 2013 in the file's order. An aircraft that flies a late route flies it all day and all month, so one aircraft's flights are alike.
private struct Flights {
    static let file = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent().appending(path: "../../../.deps/data/flights.csv").standardized

    var days: [[(aircraft: UInt64, late: Bool)]] = []

    init() throws {
        let handle = try FileHandle(forReadingFrom: Self.file)
        defer { try? handle.close() }
        let text = String(decoding: try handle.read(upToCount: 1_300_000) ?? Data(), as: UTF8.self)
        for line in text.split(separator: "\n").dropFirst().dropLast() {
            let cells = line.split(separator: ",", omittingEmptySubsequences: false)
            guard let day = Int(cells[2]), day <= 14, let delay = Int(cells[8]) else { continue }
            if day > days.count { days.append([]) }
            days[day - 1].append((Self.hash(cells[11]), delay >= 15))
        }
    }

    /// FNV-1a of the tail number.
    private static func hash(_ tail: some StringProtocol) -> UInt64 { tail.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 } }
}

@Suite struct FlightsTests {
    private static let alpha = 0.05
    private static let share = 0.25

    /// Ours and the naive count of decisions, over many salts. `scripts/stress` looks at thousands and says what it saw.
    @Test func reSaltedSplitsOfTheSameServiceRarelyAlarm() throws {
        try #require(FileManager.default.fileExists(atPath: Flights.file.path), "There is no .deps/data/flights.csv; run scripts/setup.")
        let flights = try Flights(), runs = Runs.count(40)
        #expect(flights.days.count == 14 && flights.days.allSatisfy { $0.count > 600 })
        var late = 0, uneven = 0, naive = 0
        for salt in 0..<runs {
            let found = try Self.run(flights, salt: salt)
            late += found.late ? 1 : 0
            uneven += found.uneven ? 1 : 0
            naive += found.naive ? 1 : 0
        }
        #expect(Double(late) <= Runs.most(runs, alpha: Self.alpha) && Double(uneven) <= Runs.most(runs, alpha: Self.alpha), "\(late) late, \(uneven) uneven of \(runs)")
        #expect(Double(naive) > Runs.most(runs, alpha: Self.alpha), "decisions counted one by one alarm in \(naive) of \(runs) harmless splits")
        if Runs.areMany { print("flights, \(runs) salts: entities \(late), sample ratio \(uneven), decisions one by one \(naive)") }
    }

    private static func run(_ flights: Flights, salt: Int) throws -> (late: Bool, uneven: Bool, naive: Bool) {
        let rule = GuardrailRule(signal: .errors, harm: .moreBy(0.005), alpha: alpha, then: .rollback)
        var late = try Guardrail(rule, share: share), ratio = try Guardrail(.ratio, share: share)
        // The same split, with each flight taken for an entity of its own.
        var naive = try Guardrail(.ratio, share: share)
        var flown: UInt64 = 0
        for (day, all) in flights.days.enumerated() {
            if day > 0, day % 7 == 0 {
                // Each week every aircraft counts once more.
                try late.beginWindow(share: share)
                try ratio.beginWindow(share: share)
            }
            for flight in all {
                var chance = Seeded(Int(truncatingIfNeeded: flight.aircraft ^ UInt64(salt) &* 0x2545_f491_4f6c_dd1d))
                let arm: Arm = chance.happens(share) ? .candidate : .champion
                late.observe(.split(entity: flight.aircraft, arm: arm, happened: flight.late))
                ratio.observe(.split(entity: flight.aircraft, arm: arm, happened: flight.late))
                naive.observe(.split(entity: flown, arm: arm, happened: false))
                flown += 1
            }
        }
        return (late.state.harmed, ratio.state.harmed, naive.state.harmed)
    }
}
