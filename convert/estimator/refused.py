"""What of scikit-learn is not converted on purpose: why, and what to do instead."""

from __future__ import annotations

from typing import Any

LISTED = "`python -m convert estimators` lists what is converted"

NEIGHBOURS = (
    "the converted one takes other neighbours than scikit-learn where distances tie",
    "use an ensemble of trees",
)
KERNELS = "its kernels are not written", "use SVC, SVR or KernelRidge"
OUTPUTS = "it has several outputs", "fit one estimator for each"
CLUSTERS = "its clusters are not written", "fit a classifier on the labels that it gives to rows"
DENSITIES = "its densities are not written", "use IsolationForest or OneClassSVM to find outliers"
DISTANCES = "the distances that it compares are not written", "use IsolationForest or OneClassSVM"
NO_FEATURE = (
    "it looks at no feature, and takes whatever comes",
    "answer with its constant where you would call the model",
)
TEXTS = "it takes texts or mappings, the service takes numbers, booleans and categories", "encode them before fitting"
WEIGHTS = "its weights are not written", "use Normalizer or StandardScaler"
TARGETS = "it transforms targets, not rows", "fit the classifier on the labels themselves"
NO_TRANSFORM = "it has nothing to say of new rows", "use PCA"
CODES = "it compares distances to codes, whose ties fall otherwise", "use OneVsRestClassifier or OneVsOneClassifier"
ITERATION = "it solves a problem of its own for each row", "use PCA or TruncatedSVD"
SAMPLED = "its features are not written", "use an SVC or SVR with the kernel, or PolynomialFeatures"
PAIR = "its scores of rows and of targets come as a pair, which no pipeline takes", "use PCA"
LEAVES = "the places of its leaves are not written", "use an ensemble of trees as the last step"

GROUPS: list[tuple[tuple[str, str], str]] = [
    (NEIGHBOURS, "KNeighborsClassifier KNeighborsRegressor RadiusNeighborsClassifier RadiusNeighborsRegressor"),
    (NEIGHBOURS, "NearestCentroid LocalOutlierFactor LabelPropagation LabelSpreading KNNImputer NearestNeighbors"),
    (NEIGHBOURS, "KNeighborsTransformer RadiusNeighborsTransformer Isomap LocallyLinearEmbedding"),
    (KERNELS, "GaussianProcessClassifier GaussianProcessRegressor"),
    (OUTPUTS, "ClassifierChain MultiOutputClassifier MultiOutputRegressor RegressorChain MultiTaskElasticNet"),
    (OUTPUTS, "MultiTaskElasticNetCV MultiTaskLasso MultiTaskLassoCV"),
    (CLUSTERS, "AffinityPropagation AgglomerativeClustering Birch BisectingKMeans DBSCAN FeatureAgglomeration HDBSCAN"),
    (CLUSTERS, "KMeans MeanShift MiniBatchKMeans OPTICS SpectralBiclustering SpectralClustering SpectralCoclustering"),
    (DENSITIES, "BayesianGaussianMixture EmpiricalCovariance GaussianMixture GraphicalLasso GraphicalLassoCV"),
    (DENSITIES, "KernelDensity LedoitWolf MinCovDet OAS ShrunkCovariance"),
    (DISTANCES, "EllipticEnvelope"),
    (NO_FEATURE, "DummyClassifier DummyRegressor"),
    (TEXTS, "CountVectorizer DictVectorizer FeatureHasher HashingVectorizer PatchExtractor TfidfVectorizer"),
    (WEIGHTS, "TfidfTransformer"),
    (TARGETS, "LabelBinarizer LabelEncoder MultiLabelBinarizer"),
    (NO_TRANSFORM, "ClassicalMDS MDS SpectralEmbedding TSNE"),
    (CODES, "OutputCodeClassifier"),
    (ITERATION, "BernoulliRBM DictionaryLearning LatentDirichletAllocation MiniBatchDictionaryLearning MiniBatchNMF"),
    (ITERATION, "MiniBatchSparsePCA NMF SparseCoder SparsePCA"),
    (SAMPLED, "AdditiveChi2Sampler KernelCenterer KernelPCA Nystroem PolynomialCountSketch RBFSampler"),
    (SAMPLED, "SkewedChi2Sampler"),
    (PAIR, "PLSSVD"),
    (LEAVES, "RandomTreesEmbedding"),
]
REFUSED: dict[str, tuple[str, str]] = {name: why for why, names in GROUPS for name in names.split()}
"""By the name of the class: why it is not converted, and what to do instead."""


def not_written(estimator: Any) -> str:
    """Return the line that refuses the estimator, or the transformer: its class, why, and what to do."""
    name = type(estimator).__name__
    if not type(estimator).__module__.startswith("sklearn."):
        return f"{name} is not converted: it is no class of scikit-learn: {LISTED}"
    reason, advice = REFUSED.get(name, ("it is not written", LISTED))
    return f"{name} is not converted: {reason}: {advice}"
