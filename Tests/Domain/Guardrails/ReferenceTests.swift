// The statistics against figures that come another way. All of them: numpy 2 and scipy 1.17, double precision, by the formula written at each.
import Guardrails
import Testing

@Suite struct ReferenceTests {
    /// scipy.special.betaln and scipy.optimize.brentq: betaln(.5 + s, .5 + f) - betaln(.5, .5) - s log p - f log1p(-p) = log(1 / alpha).
    @Test(arguments: [
        (3, 7, 0.05, 0.03251513978806024, 0.7475871099149966), (30, 70, 0.01, 0.15057259678114118, 0.4858542734326113),
        (0, 50, 0.01, 0, 0.1330040138519222), (12, 0, 0.05, 0.6691500080673233, 1),
    ]) func theBetaBinomialIntervalIsThatOfScipy(yes: Int, no: Int, alpha: Double, lower: Double, upper: Double) throws {
        let counts = try #require(BinaryCounts(yes: yes, no: no))
        let interval = counts.interval(alpha: alpha)
        #expect(near(interval.lower, lower) && near(interval.upper, upper), "\(interval)")
    }

    @Test func theBetaBinomialIsRightByHand() throws {
        // Jeffreys' density gives the first yes the chance ½, the next 3/4, then 5/6: B(a + 1, b) / B(a, b) = a / (a + b).
        let one = try #require(BinaryCounts(yes: 1, no: 0)), three = try #require(BinaryCounts(yes: 3, no: 0))
        #expect(near(one.logEvidence(against: 0.2), 0.9162907318741551))  // log(0.5 / 0.2)
        #expect(near(three.logEvidence(against: 0.5), 0.916290731874155))  // log(½ · ¾ · ⅚ / ½³) = log 2.5
        #expect(near(try #require(BinaryCounts(yes: 3, no: 7)).logEvidence(against: 0.1), 0.13147426876781343))
        #expect(BinaryCounts().logEvidence(against: 0.3) == 0)
    }

    /// numpy: the capital of each of the 24 stakes multiplied up difference by difference, then the log of their mean.
    @Test func theCapitalIsTheProductOfTheBets() throws {
        var counts = Differences()
        for difference in [1.0, 0, 0, -1, 0, 1, 0, 1, 0, 1] { #expect(counts.observe(difference) == true) }
        #expect(counts == Differences(less: 1, same: 5, more: 4))
        #expect(near(counts.logCapital(above: 0.02), 0.2892944128068315))
        #expect(near(counts.logCapital(above: -0.1), 0.6401902472965055))
        #expect(near(counts.logCapital(below: 0.5), 0.12964329739861394))
    }

    /// scipy.optimize.brentq on the capital after 20 times 1, 70 times 0 and 10 times -1.
    @Test func theIntervalOfDifferencesIsThatOfScipy() throws {
        let interval = try #require(Differences(less: 10, same: 70, more: 20)).interval(alpha: 0.01)
        #expect(near(interval.lower, -0.10543071117949002) && near(interval.upper, 0.30393315747822575), "\(interval)")
    }

    /// numpy: the product of Pólya's predictive chances (κθᵢ + nᵢ) / (κ + n), arm by arm, over θᵢ; the log of the mean over κ = 10 and 1000.
    @Test func theSampleRatioIsPolyasUrn() throws {
        var small = try #require(SampleRatio(share: 0.25)), large = try #require(SampleRatio(share: 0.05))
        for (entity, arm) in [Arm.champion, .candidate, .candidate, .champion, .candidate].enumerated() { small.observe(UInt64(entity), in: arm) }
        for entity in 0..<50 { large.observe(UInt64(entity), in: entity < 40 ? .champion : .candidate) }
        #expect(near(small.logEvidence(against: 0.25), 0.09172387846685157))
        #expect(near(large.logEvidence(against: 0.05), 3.8962171889250046))
    }
}
