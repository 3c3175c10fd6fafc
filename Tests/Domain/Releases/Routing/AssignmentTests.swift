// Which entities a candidate answers: places computed elsewhere, nested sets, and shares that are no shares.
import Primitives
import Releases
import TestKit
import Testing

@Suite struct AssignmentTests {
    private static let counting = [UInt8](0...15)
    private static let zeros = [UInt8](repeating: 0, count: 16)
    private static let ones = [UInt8](repeating: 255, count: 16)
    private static let entities = (0..<20_000).map { Array("entity-\($0)".utf8) }

    private static func chosen(_ salt: [UInt8], _ share: Double) -> Set<Int> {
        let assignment = Assignment(salt: salt, share: share)
        return Set(entities.indices.filter { assignment.includes(entity: entities[$0]) })
    }

    struct Place: Sendable {
        var salt: [UInt8]
        var entity: [UInt8]
        var place: UInt64
    }

    /// Python: `int.from_bytes(hmac.new(salt, entity, hashlib.sha256).digest()[:8], "big")`.
    static let places: [Place] = [
        Place(salt: zeros, entity: [], place: 0xb613_679a_0814_d9ec), Place(salt: zeros, entity: Array("N12345".utf8), place: 0x403d_d587_e612_0232),
        Place(salt: zeros, entity: Array("N14228".utf8), place: 0x53dc_d618_312f_ed00), Place(salt: zeros, entity: [0, 255, 128], place: 0xed58_536f_a1a2_6fa8),
        Place(salt: zeros, entity: Array("Zürich".utf8), place: 0xc5f5_2329_94b7_d1d1),
        Place(salt: counting, entity: [], place: 0x07ef_f8b3_26b7_798c), Place(salt: counting, entity: Array("N12345".utf8), place: 0x2c02_d033_9e2a_f552),
        Place(salt: counting, entity: Array("N14228".utf8), place: 0xe1de_1103_0d30_9e83), Place(salt: counting, entity: [0, 255, 128], place: 0x0ef3_6b71_50d3_b9e2),
        Place(salt: counting, entity: Array("Zürich".utf8), place: 0xe127_a57f_7075_c44c),
        Place(salt: ones, entity: [], place: 0xf736_e3f0_10fe_212b), Place(salt: ones, entity: Array("N12345".utf8), place: 0xd1c4_35fc_2486_d80d),
        Place(salt: ones, entity: Array("N14228".utf8), place: 0x978a_8657_f66b_9eb7), Place(salt: ones, entity: [0, 255, 128], place: 0x15e0_1a2b_ce80_8352),
        Place(salt: ones, entity: Array("Zürich".utf8), place: 0x54a0_a152_4773_e891),
        // A salt longer than the hash's block is hashed first; an empty one is zeros.
        Place(salt: [UInt8](repeating: 0, count: 200), entity: Array("N12345".utf8), place: 0xfc71_f6ff_005c_6bee), Place(salt: [], entity: [], place: 0xb613_679a_0814_d9ec),
    ]

    @Test(arguments: places) func thePlaceIsTheHMACs(_ test: Place) {
        #expect(Assignment.place(of: test.entity, salt: test.salt) == test.place)
        let inPlace = test.entity.withUnsafeBytes { Assignment.place(of: $0, salt: test.salt) }
        #expect(inPlace == test.place)
    }

    /// Just below and just above the entity's own fraction.
    @Test(arguments: places) func anEntityIsInsideAboveItsPlace(_ test: Place) {
        let fraction = Double(test.place >> 11) * 0x1p-53
        #expect(!Assignment(salt: test.salt, share: fraction).includes(entity: test.entity))
        #expect(!Assignment(salt: test.salt, share: fraction.nextDown).includes(entity: test.entity))
        #expect(Assignment(salt: test.salt, share: fraction + 0x1p-53).includes(entity: test.entity))
    }

    /// Entities whose places a share can name exactly: a place is outside the share that ends there.
    @Test(arguments: [(585, 0x1.07b1639bd3dc1p-1), (1071, 0x1.c5056298b8340p-1), (2698, 0x1.951fd82705a96p-1)] as [(Int, Double)])
    func aPlaceIsOutsideTheShareThatEndsThere(entity: Int, share: Double) {
        #expect(Assignment.place(of: Self.entities[entity], salt: Self.zeros) == UInt64(share * 0x1p64))
        #expect(!Assignment(salt: Self.zeros, share: share).includes(entity: Self.entities[entity]))
        #expect(Assignment(salt: Self.zeros, share: share.nextUp).includes(entity: Self.entities[entity]))
    }

    /// Counted in Python for these entities and salts.
    @Test func theSetsAreTheOnesCountedElsewhere() {
        #expect([0.01, 0.05, 0.25, 0.5].map { Self.chosen(Self.counting, $0).count } == [213, 1037, 5026, 10_032])
        let other = Self.chosen(Self.ones, 0.25)
        #expect(other.count == 5030 && Self.chosen(Self.counting, 0.25).intersection(other).count == 1250)
    }

    @Test func aSmallerSetLiesInsideALarger() {
        let shares = [0, 0.01, 0.05, 0.25, 0.75, 1]
        let sets = shares.map { Self.chosen(Self.counting, $0) }
        for index in shares.indices.dropLast() { #expect(sets[index].isStrictSubset(of: sets[index + 1]), "\(shares[index]) in \(shares[index + 1])") }
    }

    /// Within five standard deviations of a binomial count, for eight salts.
    @Test func theShareIsWhatIsChosen() {
        let random = SeededRandom(seed: 20)
        for round in 0..<8 {
            let share = [0.05, 0.25, 0.5, 0.9][round % 4]
            let count = Double(Self.chosen(random.bytes(16), share).count), expected = 20_000 * share
            #expect(abs(count - expected) < 5 * (expected * (1 - share)).squareRoot(), "\(count) for \(share) in round \(round)")
        }
    }

    /// Two releases' sets meet as often as chance has it: neither always the same entities nor always others.
    @Test func twoSaltsChooseIndependently() {
        let random = SeededRandom(seed: 21)
        for _ in 0..<4 {
            let first = Self.chosen(random.bytes(16), 0.25), second = Self.chosen(random.bytes(16), 0.25)
            let both = Double(first.intersection(second).count), deviation = (20_000 * 0.0625 * 0.9375).squareRoot()
            #expect(abs(both - 1250) < 5 * deviation, "\(both)")
        }
    }

    @Test func anEntityStaysWhereItIs() {
        let first = Self.chosen(Self.counting, 0.05)
        #expect(Self.chosen(Self.counting, 0.05) == first)
        #expect(Assignment(salt: Self.counting, share: 0.05) == Assignment(salt: Self.counting, share: 0.05))
        for index in first { #expect(Self.entities[index].withUnsafeBytes { Assignment(salt: Self.counting, share: 0.05).includes(entity: $0) }) }
    }

    @Test(arguments: [0, -0.0, -1, -.infinity, .nan, .signalingNaN, -.nan, -.leastNonzeroMagnitude, .leastNonzeroMagnitude, 0x1p-65] as [Double])
    func noShareChoosesNobody(share: Double) { #expect(Self.chosen(Self.counting, share).isEmpty) }

    @Test(arguments: [1, 1.0.nextUp, 2, .infinity, .greatestFiniteMagnitude] as [Double]) func theWholeShareChoosesEverybody(share: Double) {
        #expect(Self.chosen(Self.counting, share).count == 20_000)
        #expect(Assignment(salt: Self.counting, share: share).includes(entity: [UInt8]()))
    }

    /// The largest share below one leaves out only the last places.
    @Test func theLargestShareBelowOneIsNotTheWhole() {
        let assignment = Assignment(salt: Self.ones, share: 1.0.nextDown)
        #expect(Self.entities.allSatisfy { assignment.includes(entity: $0) == (Assignment.place(of: $0, salt: Self.ones) < UInt64.max - 2047) })
    }
}
