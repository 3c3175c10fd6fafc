// A model engine whose models a reader can compute in their head.
package import Ports

/// Linear models: the text holds an intercept and one weight a feature; a missing feature counts as nothing. It fails on `nan`.
package struct LinearEngine: ModelEngine {
    package init() {}

    package final class Model: LoadedModel {
        package let numbers: [Double]

        package init(_ numbers: [Double]) { self.numbers = numbers }

        package func makeScorer() throws(ModelEngineError) -> any RowScorer { Scorer(numbers) }
    }

    package final class Scorer: RowScorer {
        private let numbers: [Double]

        package init(_ numbers: [Double]) { self.numbers = numbers }

        package func score(_ row: UnsafeBufferPointer<Double>) throws(ModelEngineError) -> Double {
            guard row.count == numbers.count - 1 else { throw ModelEngineError(.mismatch, "a row of \(row.count) values") }
            var score = numbers[0]
            for (index, value) in row.enumerated() where !value.isNaN { score += value * numbers[index + 1] }
            return score
        }
    }

    package func runtime(of format: String) -> String { "linear" }

    package func load(_ model: [UInt8], format: String, features: Int) throws(ModelEngineError) -> any LoadedModel {
        let numbers = String(decoding: model, as: UTF8.self).split(separator: " ").compactMap { Double($0) }
        guard format == "linear", numbers.count == features + 1 else { throw ModelEngineError(.unreadable, "it is no linear model of \(features) features") }
        return Model(numbers)
    }
}
