// Where the marks of an axis stand, and what is written there.
internal import Foundation
internal import Primitives

enum Axis {
    /// Round numbers within the domain, at most about `most`.
    static func marks(_ domain: ClosedRange<Double>, most: Int) -> [Double] {
        let span = domain.upperBound - domain.lowerBound
        guard span > 0, span.isFinite, most > 0 else { return [] }
        let rough = span / Double(most), power = pow(10, floor(log10(rough)))
        let step = [1, 2, 2.5, 5, 10].map { $0 * power }.first { $0 >= rough } ?? rough
        let first = (domain.lowerBound / step).rounded(.up)
        return (0...most + 1).map { (first + Double($0)) * step }.filter { domain.contains($0) }
    }

    private static let spans: [Int64] = [
        1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 2 * 86_400, 5 * 86_400, 7 * 86_400, 14 * 86_400, 30 * 86_400, 90 * 86_400,
        365 * 86_400, 3650 * 86_400,
    ]

    /// Round times within the domain, and how each is written there.
    static func times(_ domain: ClosedRange<Instant>, most: Int64) -> [(at: Instant, text: String)] {
        let low = domain.lowerBound.milliseconds, high = domain.upperBound.milliseconds
        let span = spans.first { $0 * 1000 * most >= high - low } ?? 36_500 * 86_400
        let step = span * 1000
        let first = (low / step + (low > 0 && low % step != 0 ? 1 : 0)) * step
        return (0...most + 1).map { Instant(milliseconds: first + $0 * step) }.filter(domain.contains).map { instant in
            let text = instant.description
            let day = String(text.dropFirst(5).prefix(5)), time = String(text.dropFirst(11).prefix(span < 60 ? 8 : 5))
            return (instant, span >= 86_400 ? span >= 30 * 86_400 ? String(text.prefix(10)) : day : high - low > 86_400_000 ? "\(day) \(time)" : time)
        }
    }
}
