/** Modules whose package has another name on PyPI. */
const packages: Record<string, string> = {
  attr: 'attrs', bs4: 'beautifulsoup4', cv2: 'opencv-python-headless', Crypto: 'pycryptodome', dateutil: 'python-dateutil', dotenv: 'python-dotenv',
  faiss: 'faiss-cpu', fitz: 'pymupdf', git: 'GitPython', google: 'google-api-python-client', jose: 'python-jose', jwt: 'PyJWT', magic: 'python-magic',
  OpenSSL: 'pyOpenSSL', PIL: 'pillow', serial: 'pyserial', skimage: 'scikit-image', sklearn: 'scikit-learn', usb: 'pyusb', yaml: 'PyYAML',
  lightning_fabric: 'lightning', pl_bolts: 'lightning-bolts', umap: 'umap-learn', Bio: 'biopython', docx: 'python-docx', pptx: 'python-pptx',
}

/** The package that most likely brings a module: of `sklearn.svm`, `scikit-learn`. */
export function packageOf(module: string): string {
  const top = module.split('.', 1)[0] ?? module
  return packages[top] ?? top.replaceAll('_', '-')
}
