// What must hold for every count: order does not matter, sides mirror, bounds order, and nothing is ever no number.
import Foundation
import Guardrails
import Testing

@Suite struct CountsTests {
    /// Counts up to the limit, and shares close to both ends.
    private static let extremes = [0, 1, 2, 1000, 1 << 20, 1 << 38]
    private static let ends = [1e-300, 1e-12, 0.01, 0.5, 0.99, 1 - 1e-12]

    @Test func noCountGivesNoNumber() throws {
        for yes in Self.extremes {
            for no in Self.extremes {
                let binary = try #require(BinaryCounts(yes: yes, no: no))
                #expect(Self.ends.allSatisfy { !binary.logEvidence(against: $0).isNaN })
                let interval = binary.interval(alpha: 1e-9)
                #expect(interval.lower >= 0 && interval.upper <= 1 && interval.lower <= interval.upper)
                for same in [0, 1 << 20] {
                    let differences = try #require(Differences(less: Double(yes), same: Double(same), more: Double(no)))
                    for mean in Self.ends + Self.ends.map({ -$0 }) + [-1.0, 0, 1, 2, -2] {
                        #expect(!differences.logCapital(above: mean).isNaN && !differences.logCapital(below: mean).isNaN)
                    }
                    let interval = differences.interval(alpha: 1e-9)
                    #expect(interval.lower >= -1 && interval.upper <= 1 && interval.lower <= interval.upper)
                }
            }
        }
    }

    @Test func theOrderOfObservationsDoesNotMatter() {
        var chance = Seeded(1)
        let values = (0..<200).map { _ in chance.happens(0.3) ? 1.0 : chance.happens(0.1) ? -1 : 0 }
        func counts(_ values: [Double]) -> Differences {
            var counts = Differences()
            for value in values { #expect(counts.observe(value) == true) }
            return counts
        }
        #expect(counts(values) == counts(values.shuffled(using: &chance)) && counts(values).count == 200)
    }

    @Test func aLargerDifferenceNeverSpeaksForASmallerMean() throws {
        var counts = try #require(Differences(less: 3, same: 90, more: 7))
        let before = counts
        #expect(counts.observe(1) == true)
        for mean in stride(from: -0.9, to: 0.9, by: 0.1) {
            #expect(counts.logCapital(above: mean) > before.logCapital(above: mean) && counts.logCapital(below: mean) < before.logCapital(below: mean))
            #expect(before.logCapital(above: mean) > before.logCapital(above: mean + 0.05), "evidence falls as the claim rises")
        }
    }

    @Test func theTwoSidesMirror() throws {
        let counts = try #require(Differences(less: 3, same: 90, more: 7)), mirrored = try #require(Differences(less: 7, same: 90, more: 3))
        #expect(counts.logCapital(above: 0.1) == mirrored.logCapital(below: -0.1))
        let one = counts.interval(alpha: 0.01), other = mirrored.interval(alpha: 0.01)
        #expect(near(one.lower, -other.upper) && near(one.upper, -other.lower))
    }

    @Test func aDifferenceInBetweenIsNeverTakenForMoreEvidenceThanItIs() {
        // The exact capital of one stake is 1 + λ(x − m); concavity of the log makes the counted one smaller.
        var counts = Differences()
        for _ in 0..<50 { #expect(counts.observe(0.3) == true) }
        #expect(counts.count == 50 && near(counts.estimate ?? 0, 0.3))
        let exact = 50 * log(1 + 0.96 / 1.1 * (0.3 - 0.1))
        #expect(counts.logCapital(above: 0.1) > 0 && counts.logCapital(above: 0.1) < exact)
    }

    @Test func nothingSeenSaysNothing() throws {
        #expect(Differences().interval(alpha: 0.01) == Interval(lower: -1, upper: 1) && Differences().estimate == nil)
        #expect(BinaryCounts().interval(alpha: 0.01) == Interval(lower: 0, upper: 1) && BinaryCounts().estimate == nil)
        #expect(try #require(SampleRatio(share: 0.2)).interval(alpha: 0.01) == Interval(lower: 0, upper: 1))
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity, 1.0000001, -2]) func aDifferenceThatIsNoneIsRefused(value: Double) {
        var counts = Differences()
        #expect(!counts.observe(value) && counts == Differences())
    }

    @Test func aFullCountTakesNoMore() throws {
        let most = 1 << 40
        var binary = try #require(BinaryCounts(yes: most - 1, no: 0))
        #expect(binary.observe(true) && !binary.observe(true) && binary.count == most)
        var differences = try #require(Differences(less: Double(most - 1), same: 0, more: 0))
        #expect(differences.observe(0) && !differences.observe(0))
        let half = try #require(BinaryCounts(yes: most / 2 + 1, no: 0)), full = half
        var sum = half
        #expect(!sum.add(full) && sum == half)
        #expect(BinaryCounts(yes: most, no: 1) == nil && BinaryCounts(yes: -1, no: 0) == nil)
        #expect(Differences(less: .nan, same: 0, more: 0) == nil && Differences(less: 0, same: .infinity, more: 0) == nil && Differences(less: 0, same: 0, more: -1) == nil)
    }

    @Test(arguments: [0.0, 1, -0.1, 1.5, .nan]) func aShareThatSplitsNothingHasNoRatio(share: Double) { #expect(SampleRatio(share: share) == nil) }

    @Test func anEntityCountsOnceAWindow() throws {
        var ratio = try #require(SampleRatio(share: 0.5))
        for _ in 0..<100 { ratio.observe(7, in: .candidate) }
        #expect(ratio.count == 1 && ratio.candidate == 1)
        #expect(ratio.begin(share: 0.25) && ratio.count == 0 && ratio.share == 0.25 && ratio.sights.window == 2)
        ratio.observe(7, in: .candidate)
        #expect(ratio.count == 1 && !ratio.begin(share: 1))
    }

    @Test func moreEntitiesThanAreKeptAreNotCounted() throws {
        var sights = FirstSights()
        #expect((0..<FirstSights.most).allSatisfy { sights.isFirst(UInt64($0)) })
        #expect(sights.isFull && !sights.isFirst(UInt64.max) && sights.count == FirstSights.most)
        #expect(try kept(sights) == sights)
    }

    @Test func matchesAreOfNeighboursAndDisjoint() {
        var matches = SplitMatches()
        #expect(matches.observe(1, in: .champion, happened: true) == false)
        #expect(matches.observe(2, in: .champion, happened: false) == false, "the nearest champion waits")
        #expect(matches.observe(3, in: .candidate, happened: true) && matches.differences == Differences(less: 0, same: 0, more: 1))
        #expect(matches.observe(3, in: .candidate, happened: true) == false, "an entity counts once")
        #expect(!matches.observe(4, in: .candidate, happened: true) && !matches.observe(5, in: .candidate, happened: false))
        #expect(matches.observe(6, in: .champion, happened: true) && matches.differences == Differences(less: 0, same: 1, more: 1))
        #expect(matches.observe(7, in: .champion, happened: true) && matches.differences == Differences(less: 1, same: 1, more: 1))
        #expect(matches.observe(8, in: .champion, happened: true) == false)
        for entity in 100..<200 { #expect(matches.observe(UInt64(entity), in: .candidate, happened: false) == (entity == 100)) }
        #expect((200..<300).count { matches.observe(UInt64($0), in: .champion, happened: false) } == 32, "so many candidates wait")
    }
}
