"""What of scikit-learn is not converted on purpose: why, and what to do instead."""

from __future__ import annotations

from typing import Any

LISTED = "`python -m convert estimators` lists what is converted"

NEIGHBOURS = "it takes other neighbours than scikit-learn, once converted, where distances tie"
TREES_INSTEAD = NEIGHBOURS, "use an ensemble of trees"
KERNELS = "its kernels are not written", "use SVC, SVR or KernelRidge"
OUTPUTS = "it has several outputs", "fit one estimator for each column of y, and export each"
CLUSTERS = "its clusters are not written", "use KMeans, or fit a classifier on the labels that it gives to rows"
DENSITIES = "its densities are not written", "use EllipticEnvelope, IsolationForest or GaussianMixture"
BEHIND = "export the steps behind it, and send what it makes as rows"
TEXTS = "it splits texts into words, which onnxruntime does otherwise than scikit-learn", BEHIND
MAPPINGS = (
    "it takes mappings, the service takes rows of numbers, booleans and categories",
    "use OneHotEncoder on a table",
)
IMAGES = "it takes images, the service takes rows of numbers, booleans and categories", BEHIND
WEIGHTS = "its weights of words are not written", BEHIND
TARGETS = "it transforms targets, not rows", "fit the classifier on the labels themselves"
NO_TRANSFORM = "it has nothing to say of new rows", "use PCA"
CODES = "it compares distances to codes, whose ties fall otherwise", "use OneVsRestClassifier or OneVsOneClassifier"
ITERATION = "it solves a problem of its own for each row", "use PCA or TruncatedSVD"
SAMPLED = "its features are not written", "use an SVC or SVR with the kernel, or PolynomialFeatures"
PAIR = "its scores of rows and of targets come as a pair, which no pipeline takes", "use PCA"
LEAVES = "the places of its leaves are not written", "use an ensemble of trees as the last step"
POOLED = "its means of columns are not written", "use PCA"
DISTANCES = "its distances are not written, only which centre is the nearest", "end with it, or use KBinsDiscretizer"
AS_LAST = frozenset({"Birch", "BisectingKMeans", "KMeans", "MiniBatchKMeans"})
"""What is converted as the last step, but transforms, too."""
REGRESSORS = "its regressors are not written", "use SimpleImputer"
OWN = "it is no class of scikit-learn, and may do anything"

GROUPS: list[tuple[tuple[str, str], str]] = [
    (REGRESSORS, "IterativeImputer"),
    (TREES_INSTEAD, "KNeighborsClassifier KNeighborsRegressor RadiusNeighborsClassifier RadiusNeighborsRegressor"),
    (TREES_INSTEAD, "KNeighborsTransformer RadiusNeighborsTransformer NearestNeighbors"),
    ((NEIGHBOURS, "use IsolationForest, OneClassSVM or EllipticEnvelope"), "LocalOutlierFactor"),
    ((NEIGHBOURS, "use SelfTrainingClassifier"), "LabelPropagation LabelSpreading"),
    ((NEIGHBOURS, "use SimpleImputer"), "KNNImputer"),
    ((NEIGHBOURS, "use PCA"), "Isomap LocallyLinearEmbedding"),
    (KERNELS, "GaussianProcessClassifier GaussianProcessRegressor"),
    (OUTPUTS, "ClassifierChain MultiOutputClassifier MultiOutputRegressor RegressorChain MultiTaskElasticNet"),
    (OUTPUTS, "MultiTaskElasticNetCV MultiTaskLasso MultiTaskLassoCV"),
    (CLUSTERS, "AgglomerativeClustering DBSCAN HDBSCAN OPTICS SpectralBiclustering"),
    (CLUSTERS, "SpectralClustering SpectralCoclustering"),
    (DENSITIES, "EmpiricalCovariance GraphicalLasso GraphicalLassoCV"),
    (DENSITIES, "KernelDensity LedoitWolf MinCovDet OAS ShrunkCovariance"),
    (POOLED, "FeatureAgglomeration"),
    (TEXTS, "CountVectorizer HashingVectorizer TfidfVectorizer"),
    (MAPPINGS, "DictVectorizer FeatureHasher"),
    (IMAGES, "PatchExtractor"),
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
        instead = "use one that is" if hasattr(estimator, "predict") else f"{BEHIND}, or use one that is"
        return f"{name} is not converted: {OWN}: {instead}"
    other = DISTANCES if name in AS_LAST else ("it is not written", LISTED)
    reason, advice = REFUSED.get(name, other)
    return f"{name} is not converted: {reason}: {advice}"


def takes_no_rows(part: Any) -> bool:
    """Whether a part of an estimator takes texts, mappings or images, of which the service knows none."""
    return REFUSED.get(type(part).__name__) in (TEXTS, MAPPINGS, IMAGES)
