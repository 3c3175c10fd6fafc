// Time and randomness that a test decides.
internal import Ports
package import Primitives
private import Synchronization

/// A wall clock that moves only when it is told to.
package final class ManualClock: WallClock {
    private let instant: Mutex<Instant>

    package init(_ start: Instant = World.now) { instant = Mutex(start) }

    package func now() -> Instant { instant.withLock { $0 } }

    package func advance(by duration: Duration) { instant.withLock { $0 = $0.adding(duration) } }
}

/// SplitMix64: the same seed gives the same numbers on every machine. Never for keys or tokens.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}

/// Bytes from a seed, for salts in tests and simulations.
package final class SeededRandom: RandomSource {
    private let generator: Mutex<SeededGenerator>

    package init(seed: UInt64) { generator = Mutex(SeededGenerator(seed: seed)) }

    package func bytes(_ count: Int) -> [UInt8] {
        generator.withLock { generator in (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) } }
    }
}
